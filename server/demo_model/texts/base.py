"""How the text modules are written down."""

from __future__ import annotations


def entries(text: str) -> tuple[str, ...]:
    """What commas separate, each once, in order; a line may end within an entry."""
    parts = (" ".join(part.split()) for part in text.split(","))
    return tuple(dict.fromkeys(part for part in parts if part))


def lines(text: str) -> tuple[str, ...]:
    """The lines that are not empty."""
    return tuple(line.strip() for line in text.splitlines() if line.strip())

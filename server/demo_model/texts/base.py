"""How the text modules are written down."""

from __future__ import annotations

import re


def entries(text: str) -> tuple[str, ...]:
    """What commas and line ends separate, each once, in order."""
    parts = (" ".join(part.split()) for part in re.split(r"[,\n]", text))
    return tuple(dict.fromkeys(part for part in parts if part))


def lines(text: str) -> tuple[str, ...]:
    """The lines that are not empty."""
    return tuple(line.strip() for line in text.splitlines() if line.strip())

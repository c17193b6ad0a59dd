"""The pages, and what is in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
SERVER = "ws://127.0.0.1:8765"
_BLOCK = re.compile(
    r"(?:^<!-- test: (?P<how>[a-z]+)(?: (?P<name>[a-z-]+))? -->\n)?^```(?P<kind>[a-z]+)\n(?P<code>.*?)^```",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page.

    Attributes:
        page: Path from the root.
        kind: What is written in it: python, sh, ...
        how: How it is tested, from the comment before it; empty without one.
        name: Of the block, from the same comment; empty without one.
        code: What is in it.
    """

    page: str
    kind: str
    how: str
    name: str
    code: str

    def __str__(self) -> str:
        return f"{self.page}:{self.name or self.how}"


def pages() -> list[Path]:
    """All that is written for people who use Auricle."""
    own = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")]
    return [*own, *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "distributions").rglob("*.md"))]


def blocks() -> list[Block]:
    """The fenced blocks of all pages."""
    found = []
    for page in pages():
        for match in _BLOCK.finditer(page.read_text()):
            how, name = match["how"] or "", match["name"] or ""
            found.append(Block(page.relative_to(ROOT).as_posix(), match["kind"], how, name, match["code"]))
    return found


def block(name: str) -> Block:
    """The block of this name; names are unique."""
    (found,) = (each for each in blocks() if each.name == name)
    return found

"""Tables of the pages, made of the code and of the committed results."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path


class Stale(Exception):
    """The pages and the code do not fit together; the message says where."""


RESULTS = Path(__file__).parents[2] / "tests" / "bench" / "results"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; a vertical bar within a cell is escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)

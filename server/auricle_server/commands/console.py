"""Where commands write: results to standard output, everything else to standard error."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape

notes = Console(stderr=True, highlight=False)
"""For people: progress, notes, errors."""


def fail(message: str) -> None:
    """Prints an error for a person; the command goes on or exits by itself."""
    notes.print(f"[bold red]error[/] {escape(message)}", soft_wrap=True)

"""The console for messages. Commands print results to standard output and all else to standard error."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape

notes = Console(stderr=True, highlight=False)
"""Standard error: progress, notes, errors."""


def fail(message: str) -> None:
    """Prints an error. Does not exit: the command decides whether it continues."""
    notes.print(f"[bold red]error[/] {escape(message)}", soft_wrap=True)

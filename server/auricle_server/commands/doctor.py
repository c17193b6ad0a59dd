"""`auricle doctor`: what is there, what is missing, what to do."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from auricle_server.commands.checks import CheckStatus, Finding, all_checks
from auricle_server.commands.console import notes

_SUBJECT_WIDTH = 17
_MARKS = {CheckStatus.GOOD: "[green]✓[/]", CheckStatus.NOTE: "[yellow]•[/]", CheckStatus.BAD: "[bold red]✗[/]"}


def doctor(
    model: Annotated[str, typer.Option(help="Checkpoint to look at: demo, a .nemo file, a folder, an id.")] = "demo",
    host: Annotated[str, typer.Option(help="Address the server would listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port the server would listen on.", min=1, max=65535)] = 8765,
) -> None:
    """Look over this installation and say what to do about it.

    The exit code is 1 when something keeps a server from running.
    """
    console = Console(highlight=False)
    bad = 0
    with notes.status("Looking"):
        for finding in all_checks(model, host, port):
            _print(console, finding)
            bad += finding.verdict is CheckStatus.BAD
    console.print("[bold red]A server would not run here.[/]" if bad else "[bold green]A server runs here.[/]")
    raise typer.Exit(1 if bad else 0)


def _print(console: Console, finding: Finding) -> None:
    subject = escape(finding.subject.ljust(_SUBJECT_WIDTH))
    console.print(f"{_MARKS[finding.verdict]} [bold]{subject}[/] {escape(finding.detail)}", soft_wrap=True)
    if finding.remedy:
        console.print(f"  {' ' * _SUBJECT_WIDTH} [yellow]→ {escape(finding.remedy)}[/]", soft_wrap=True)

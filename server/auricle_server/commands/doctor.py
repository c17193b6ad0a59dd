"""`auricle doctor`."""

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
    model: Annotated[
        str, typer.Option(help="Model to check: demo, a .nemo file, a folder, or a Hugging Face id.")
    ] = "demo",
    host: Annotated[str, typer.Option(help="Address that the server would listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port that the server would listen on.", min=1, max=65535)] = 8765,
) -> None:
    """Check this installation and print what to fix.

    The exit code is 1 when a server could not run here.
    """
    console = Console(highlight=False)
    bad = 0
    with notes.status("Checking"):
        for finding in all_checks(model, host, port):
            _print(console, finding)
            bad += finding.verdict is CheckStatus.BAD
    console.print("[bold red]A server cannot run here.[/]" if bad else "[bold green]A server can run here.[/]")
    raise typer.Exit(1 if bad else 0)


def _print(console: Console, finding: Finding) -> None:
    subject = escape(finding.subject.ljust(_SUBJECT_WIDTH))
    console.print(f"{_MARKS[finding.verdict]} [bold]{subject}[/] {escape(finding.detail)}", soft_wrap=True)
    if finding.remedy:
        console.print(f"  {' ' * _SUBJECT_WIDTH} [yellow]→ {escape(finding.remedy)}[/]", soft_wrap=True)

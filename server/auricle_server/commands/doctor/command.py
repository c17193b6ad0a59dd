"""`auricle doctor`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from auricle_server.checkpoints.progress import Report, silent
from auricle_server.commands.console import progress_bars
from auricle_server.commands.doctor import installation, model, published
from auricle_server.commands.doctor.findings import CheckStatus, Finding

_SUBJECT_WIDTH = 17
_MARKS = {CheckStatus.GOOD: "[green]✓[/]", CheckStatus.NOTE: "[yellow]•[/]", CheckStatus.BAD: "[bold red]✗[/]"}


def doctor(
    model: Annotated[
        str,
        typer.Option(
            help="Model to check: demo, nemotron-en, nemotron-3.5, a .nemo file, a folder, or a Hugging Face id."
        ),
    ] = "demo",
    host: Annotated[str, typer.Option(help="Address that the server would listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port that the server would listen on.", min=1, max=65535)] = 8765,
    speed: Annotated[
        bool, typer.Option(help="Measure for some seconds how fast the published models would be on this CPU.")
    ] = True,
) -> None:
    """Check this installation and print what to fix.

    Of a published model it also says, before anything is downloaded: how large the files are, licence, commit, whether
    disk and memory are enough and for how many streams, and what people report of it. On a CPU it estimates for each
    format how much memory the published models take, and at which latencies a live stream keeps up. The exit code is 1
    when a server could not run here.
    """
    console = Console(highlight=False)
    bad = 0
    with progress_bars("Checking") as report:
        for finding in all_checks(model, host, port, report, speed):
            _print(console, finding)
            bad += finding.verdict is CheckStatus.BAD
    console.print("[bold red]A server cannot run here.[/]" if bad else "[bold green]A server can run here.[/]")
    raise typer.Exit(1 if bad else 0)


def _print(console: Console, finding: Finding) -> None:
    subject = escape(finding.subject.ljust(_SUBJECT_WIDTH))
    console.print(f"{_MARKS[finding.verdict]} [bold]{subject}[/] {escape(finding.detail)}", soft_wrap=True)
    if finding.remedy:
        console.print(f"  {' ' * _SUBJECT_WIDTH} [yellow]→ {escape(finding.remedy)}[/]", soft_wrap=True)


def all_checks(name: str, host: str, port: int, report: Report = silent, speed: bool = True) -> Iterator[Finding]:
    """Runs all checks in the order of the report and yields each finding at once.

    Args:
        name: The model, as `auricle serve` takes it.
        host: Address that the server would listen on.
        port: Its port.
        report: Receives the progress of unpacking a gzipped model.
        speed: Whether to estimate the speed of the published models, which takes some seconds.
    """
    parts: tuple[Callable[[], Iterator[Finding]], ...] = (
        installation.check_python,
        installation.check_packages,
        installation.check_torch,
        lambda: model.check_checkpoint(name, report),
        lambda: model.check_memory(name),
        lambda: model.check_profile(name),
        installation.check_audio,
        installation.check_turns,
        lambda: installation.check_port(host, port),
        installation.check_open_files,
        *([published.check_published] if speed else []),
    )
    for check in parts:
        yield from check()

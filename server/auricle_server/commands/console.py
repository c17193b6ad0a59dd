"""The console for messages. Commands print results to standard output and all else to standard error."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from auricle_server.checkpoints.progress import Report

notes = Console(stderr=True, highlight=False)
"""Standard error: progress, notes, errors."""


def fail(message: str) -> None:
    """Prints an error. Does not exit: the command decides whether it continues."""
    notes.print(f"[bold red]error[/] {escape(message)}", soft_wrap=True)


def server_asked_for(context: typer.Context, url: str | None, of_own_server: Collection[str]) -> str | None:
    """The address to use; None starts a server.

    An option that only a started server has wins over the address in ``AURICLE_URL``, as every argument does over the
    environment.

    Args:
        context: Of the command; its option ``--url`` reads the variable.
        url: What that option says.
        of_own_server: Parameters that belong to a started server.
    """
    given = any(_source(context, name) == "COMMANDLINE" for name in of_own_server)
    return None if given and _source(context, "url") == "ENVIRONMENT" else url


def _source(context: typer.Context, name: str) -> str | None:
    source = context.get_parameter_source(name)
    return None if source is None else source.name


@contextmanager
def progress_bars(doing: str | None = None) -> Iterator[Report]:
    """Shows a bar for each thing whose progress is reported, while the block runs.

    Args:
        doing: What the block does, shown with a spinner; None for nothing.
    """
    columns = "{task.description}", BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn()
    with (
        Progress(*columns, console=notes, transient=True)
        if doing is None
        else Progress(SpinnerColumn(), *columns, console=notes, transient=True)
    ) as progress:
        bars: dict[str, TaskID] = {}
        if doing is not None:
            progress.add_task(doing, total=None)

        def report(what: str, done: int, size: int) -> None:
            if what not in bars:
                bars[what] = progress.add_task(what, total=size)
            progress.update(bars[what], completed=done, total=size)

        yield report

"""The console for messages. Commands print results to standard output and all else to standard error."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.text import Text

from auricle_server.checkpoints.progress import ProgressLines, Report

notes = Console(stderr=True, highlight=False)
"""Standard error: progress, notes, errors."""


def fail(message: str) -> None:
    """Prints an error. Does not exit: the command decides whether it continues."""
    _print("error", "bold red", message)


def warn(message: str) -> None:
    """Prints a note about something that is worth knowing and no error."""
    _print("note", "yellow", message)


def _print(word: str, style: str, message: str) -> None:
    # Not as markup, in which names of files have meanings: brackets, backslashes, :smile:.
    notes.print(Text.assemble((word, style), " ", message), soft_wrap=True)


def printable(name: str) -> str:
    """The name of a file as it can be shown: bytes that are no UTF-8, and control characters, as escapes."""
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(_escaped(character) for character in text)


def _escaped(character: str) -> str:
    control = unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"}
    return character.encode("unicode_escape").decode() if control else character


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
    """Shows a bar for each thing whose progress is reported, while the block runs; lines where there is no terminal.

    Args:
        doing: What the block does, shown with a spinner; None for nothing.
    """
    if not notes.is_terminal:
        yield ProgressLines(_print_line)
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
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


def _print_line(line: str) -> None:
    notes.print(line, soft_wrap=True, markup=False)


def file_progress() -> Progress:
    """A line for the file in work: its name, how much of it is done, and the field `caption`, all as plain text."""
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
        TextColumn("{task.fields[caption]}", style="dim", markup=False),
        console=notes,
        transient=True,
        disable=not notes.is_terminal,
    )

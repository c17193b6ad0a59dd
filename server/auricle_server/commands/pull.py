"""`auricle pull`: brings a model from the hub."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TimeRemainingColumn, TransferSpeedColumn

from auricle_server.checkpoints.errors import CheckpointError
from auricle_server.checkpoints.hub.cache import MAIN, Repository, parse
from auricle_server.checkpoints.hub.download import WeightFormat, download
from auricle_server.checkpoints.hub.transfer import Report
from auricle_server.commands.console import fail, notes


def pull(
    model: Annotated[str, typer.Argument(help="A Hugging Face id (owner/model), or the address of its page.")],
    revision: Annotated[str | None, typer.Option(help="Branch, tag or commit; main unless set.")] = None,
    wanted: Annotated[
        WeightFormat | None,
        typer.Option("--format", help="nemo where there is a .nemo file, else safetensors, unless set."),
    ] = None,
) -> None:
    """Download a model from the Hugging Face hub into the hub's cache on this machine, and print where it is.

    An interrupted download continues where it stopped. Every file is compared with the checksum that the hub
    names, those that are here already as well. HF_HOME names another cache, HF_ENDPOINT another hub.
    """
    repository = _repository(model, revision)
    began = time.monotonic()
    try:
        with _shown() as report:
            found = download(repository, wanted, report)
    except CheckpointError as error:
        fail(str(error))
        raise typer.Exit(1) from error
    did = f"brought in {time.monotonic() - began:.0f} s" if found.downloaded else "was here already"
    notes.print(f"{repository.id} at {found.commit[:8]}: {found.size / 1e6:.0f} MB, {did}, checksums agree")
    typer.echo(str(found.path))


def _repository(model: str, revision: str | None) -> Repository:
    named = parse(model)
    if named is None:
        fail(f"{model} is neither an id like owner/model nor the address of a model's page on the hub")
        raise typer.Exit(2)
    if revision is not None and named.revision not in (MAIN, revision):
        fail(f"{model} names revision {named.revision}, --revision {revision}")
        raise typer.Exit(2)
    return Repository(named.id, revision or named.revision)


@contextmanager
def _shown() -> Iterator[Report]:
    """Shows a bar for each file that comes."""
    columns = "{task.description}", BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn()
    with Progress(*columns, console=notes, transient=True) as progress:
        bars: dict[str, TaskID] = {}

        def report(name: str, here: int, size: int) -> None:
            if name not in bars:
                bars[name] = progress.add_task(name, total=size)
            progress.update(bars[name], completed=here)

        yield report

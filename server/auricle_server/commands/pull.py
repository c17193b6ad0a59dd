"""`auricle pull`."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from auricle_server.checkpoints.errors import CheckpointError
from auricle_server.checkpoints.hub.cache import MAIN, Repository, parse
from auricle_server.checkpoints.hub.download import FileFormat, download
from auricle_server.checkpoints.hub.short_names import SHORT_NAMES
from auricle_server.commands.console import fail, notes, progress_bars


def pull(
    model: Annotated[
        str,
        typer.Argument(
            help="nemotron-en, nemotron-3.5, a Hugging Face id (owner/model), or the URL of the model's page."
        ),
    ],
    revision: Annotated[str | None, typer.Option(help="Branch, tag or commit. Default: main.")] = None,
    wanted: Annotated[
        FileFormat | None,
        typer.Option("--format", help="Default: safetensors if the model has them, else nemo."),
    ] = None,
) -> None:
    """Download a model from the Hugging Face hub into the local cache, and print its path.

    An interrupted download continues where it stopped. The checksum of every file is verified, also of files that are
    already in the cache. HF_HOME sets the cache, HF_ENDPOINT the hub.
    """
    repository = _repository(model, revision)
    began = time.monotonic()
    try:
        with progress_bars() as report:
            found = download(repository, wanted, report)
    except CheckpointError as error:
        fail(str(error))
        raise typer.Exit(1) from error
    outcome = f"downloaded in {time.monotonic() - began:.0f} s" if found.downloaded else "was in the cache"
    notes.print(f"{repository.id} at {found.commit[:8]}: {found.size / 1e6:.0f} MB, {outcome}, checksums agree")
    typer.echo(str(found.path))


def _repository(model: str, revision: str | None) -> Repository:
    named = parse(model)
    if named is None:
        fail(
            f"{model} is no model of the hub: name one as owner/model, by the URL of its page, or as "
            f"{' or '.join(SHORT_NAMES)}"
        )
        raise typer.Exit(2)
    if revision is not None and named.revision not in (MAIN, revision):
        fail(f"{model} names revision {named.revision}, but --revision is {revision}; name one of them")
        raise typer.Exit(2)
    return Repository(named.id, revision or named.revision)

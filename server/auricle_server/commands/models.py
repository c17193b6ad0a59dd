"""`auricle models`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from auricle_server.checkpoints.errors import CheckpointError
from auricle_server.checkpoints.hub.cache import Repository, cached, cached_commit
from auricle_server.checkpoints.hub.short_names import short_name
from auricle_server.checkpoints.known.bundled import BUNDLED, OWN_LICENCE
from auricle_server.checkpoints.known.facts import ModelFacts, facts
from auricle_server.checkpoints.known.lookup import KNOWN_MODELS
from auricle_server.checkpoints.known.profiles import ModelProfile
from auricle_server.cures import OFF

_FEW = 6
"""Number of languages that a line lists."""
_CARDS = (
    "Licences, and the facts about models that are not on this machine, are from the model cards on the hub. Read the "
    "card before you use a model. `auricle pull` downloads a model."
)


@dataclass(frozen=True, slots=True)
class Copy:
    """A model on this machine.

    Attributes:
        path: Path of its file or folder.
        size: Size in bytes.
        revision: Commit of the hub's repository; None for a bundled model.
        trouble: Why it cannot be loaded, from its configuration alone; empty without a known reason.
    """

    path: str
    size: int
    revision: str | None
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class ListedModel:
    """One model of the list; the fields are those of the JSON output.

    Attributes:
        short_name: What `--model` takes in place of the name; empty where there is none.
        languages: All that it was trained on; `languages_to_adapt` are those that need fine-tuning first.
        default_latency_ms: Of streams that ask for none.
        cures: What is on for its streams, in the words of `auricle serve --cures`.
    """

    name: str
    short_name: str
    bundled: bool
    licence: str
    languages: tuple[str, ...]
    languages_to_adapt: tuple[str, ...]
    latencies_ms: tuple[int, ...]
    default_latency_ms: int
    cures: str
    note: str
    here: Copy | None


def models(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """List the known models, and which of them are on this machine.

    Other models of the family load too: any cache-aware streaming FastConformer transducer, as a .nemo file or as
    safetensors. `auricle pull` downloads a model.
    """
    entries = [*map(_bundled, BUNDLED), *map(_published, KNOWN_MODELS)]
    if as_json:
        typer.echo(json.dumps([asdict(entry) for entry in entries], indent=2))
    else:
        _print(entries)


def _bundled(name: str) -> ListedModel:
    path = BUNDLED[name]
    found, copy = _inspect(path, None)
    assert found is not None, copy.trouble  # it comes with the package
    return ListedModel(
        name=name,
        short_name="",
        bundled=True,
        licence=OWN_LICENCE,
        languages=found.languages,
        languages_to_adapt=(),
        latencies_ms=found.latencies_ms,
        default_latency_ms=found.default_latency_ms,
        cures=str(OFF),
        note="comes with Auricle",
        here=copy,
    )


def _published(known: ModelProfile) -> ListedModel:
    repository = Repository(known.id)
    path = cached(repository)
    found, copy = _inspect(path, cached_commit(repository), known) if path else (None, None)
    return ListedModel(
        name=known.id,
        short_name=short_name(known.id),
        bundled=False,
        licence=known.licence,
        languages=known.languages,
        languages_to_adapt=tuple(sorted(known.languages_to_adapt)),
        latencies_ms=found.latencies_ms if found else known.latencies_ms,
        default_latency_ms=found.default_latency_ms if found else known.default_latency_ms,
        cures=str(known.cures),
        note=known.note,
        here=copy,
    )


def _inspect(path: Path, revision: str | None, profile: ModelProfile | None = None) -> tuple[ModelFacts | None, Copy]:
    """The facts of a copy's own configuration, None where it has none, and the copy."""
    files = [file for file in path.iterdir() if file.is_file()] if path.is_dir() else [path]
    size = sum(file.stat().st_size for file in files if file.is_file())
    try:
        return facts(path, profile), Copy(str(path), size, revision)
    except CheckpointError as error:
        return None, Copy(str(path), size, revision, str(error))


def _print(entries: list[ListedModel]) -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column("model", overflow="fold")
    table.add_column("here", justify="right")
    for entry in entries:
        short = f"  or {entry.short_name}" if entry.short_name else ""
        table.add_row(f"[bold]{escape(entry.name)}[/]{short}", _presence(entry.here))
        for line in _lines(entry):
            table.add_row(f"[dim]  {escape(line)}[/]", "")
        if entry.here and entry.here.trouble:
            table.add_row(f"[red]  {escape(entry.here.trouble)}[/]", "")
    console = Console(highlight=False)
    console.print(table)
    console.print(f"\n{_CARDS}", style="dim")


def _lines(entry: ListedModel) -> Iterator[str]:
    latencies = " ".join(map(str, entry.latencies_ms))
    chunks = f"chunks of {latencies} ms, {entry.default_latency_ms} by default"
    yield "; ".join(filter(None, (_languages(entry.languages), chunks, entry.licence, entry.note)))
    if entry.languages_to_adapt:
        yield f"need fine-tuning first: {' '.join(entry.languages_to_adapt)}"
    if entry.cures != str(OFF):
        yield f"cures: {entry.cures}"


def _languages(codes: tuple[str, ...]) -> str:
    more = f" and {len(codes) - _FEW} more" if len(codes) > _FEW else ""
    return " ".join(codes[:_FEW]) + more


def _presence(copy: Copy | None) -> str:
    if copy is None:
        return "[dim]not on this machine[/]"
    revision = f", {copy.revision[:8]}" if copy.revision else ""
    return f"[green]{copy.size / 1e6:.0f} MB{revision}[/]"

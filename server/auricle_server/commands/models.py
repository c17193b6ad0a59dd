"""`auricle models`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from auricle_server.checkpoints.errors import CheckpointError
from auricle_server.checkpoints.hub.cache import Repository, cached, cached_commit
from auricle_server.checkpoints.known.bundled import BUNDLED, OWN_LICENCE
from auricle_server.checkpoints.known.facts import ModelFacts, facts
from auricle_server.checkpoints.known.lookup import KNOWN_MODELS
from auricle_server.checkpoints.known.profiles import ModelProfile

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
    """One model of the list; the fields are those of the JSON output."""

    name: str
    bundled: bool
    licence: str
    languages: tuple[str, ...]
    latencies_ms: tuple[int, ...]
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
    return ListedModel(name, True, OWN_LICENCE, found.languages, found.latencies_ms, "comes with Auricle", copy)


def _published(known: ModelProfile) -> ListedModel:
    repository = Repository(known.id)
    path = cached(repository)
    found, copy = _inspect(path, cached_commit(repository)) if path else (None, None)
    latencies = found.latencies_ms if found and found.latencies_ms else known.latencies_ms
    return ListedModel(known.id, False, known.licence, known.languages, latencies, known.note, copy)


def _inspect(path: Path, revision: str | None) -> tuple[ModelFacts, Copy]:
    """The facts of a copy's own configuration, and the copy."""
    files = [file for file in path.iterdir() if file.is_file()] if path.is_dir() else [path]
    size = sum(file.stat().st_size for file in files if file.is_file())
    try:
        return facts(path), Copy(str(path), size, revision)
    except CheckpointError as error:
        return ModelFacts((), ()), Copy(str(path), size, revision, str(error))


def _print(entries: list[ListedModel]) -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column("model", overflow="fold")
    table.add_column("here", justify="right")
    for entry in entries:
        latencies = " ".join(map(str, entry.latencies_ms))
        facts_shown = (_languages(entry.languages), f"chunks of {latencies} ms", entry.licence, entry.note)
        table.add_row(f"[bold]{escape(entry.name)}[/]", _presence(entry.here))
        table.add_row(f"[dim]  {escape('; '.join(filter(None, facts_shown)))}[/]", "")
        if entry.here and entry.here.trouble:
            table.add_row(f"[red]  {escape(entry.here.trouble)}[/]", "")
    console = Console(highlight=False)
    console.print(table)
    console.print(f"\n{_CARDS}", style="dim")


def _languages(codes: tuple[str, ...]) -> str:
    more = f" and {len(codes) - _FEW} more" if len(codes) > _FEW else ""
    return " ".join(codes[:_FEW]) + more


def _presence(copy: Copy | None) -> str:
    if copy is None:
        return "[dim]not on this machine[/]"
    revision = f", {copy.revision[:8]}" if copy.revision else ""
    return f"[green]{copy.size / 1e6:.0f} MB{revision}[/]"

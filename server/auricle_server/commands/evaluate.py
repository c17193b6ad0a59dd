"""`auricle evaluate`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from auricle_server.bench.quality.stream_mode import StreamMode
from auricle_server.commands.console import fail, notes, server_asked_for
from auricle_server.dtypes import AUTO

if TYPE_CHECKING:
    from auricle_server.bench.quality.clip_scores import EvaluatedClip
    from auricle_server.bench.quality.setting_run import EvaluatedSystem, EvaluationOptions, EvaluationRow
    from auricle_server.checkpoints.progress import Report

_OWN, _OTHER = "server", "other server"
_OF_OWN_SERVER = {"model", "cures", "device", "dtype", "threads"}
_LOG_WIDTH = 160
"""Columns of the tables in a file or pipe."""


def evaluate(
    context: typer.Context,
    manifest: Annotated[
        Path,
        typer.Argument(
            metavar="MANIFEST",
            help="JSON lines with audio (a path relative to the file), text and optionally language; or a folder of "
            "audio files, each with its text in a .txt file of the same stem.",
        ),
    ],
    model: Annotated[
        str, typer.Option(help="Model of the started server: demo, a .nemo file, a folder, or a Hugging Face id.")
    ] = "demo",
    url: Annotated[
        str | None,
        typer.Option(
            envvar="AURICLE_URL",
            show_envvar=True,
            help="Server to evaluate, for example ws://host:8765. By default, and with options of a started server, "
            "the command starts its own.",
        ),
    ] = None,
    api_key: Annotated[
        str | None, typer.Option(envvar="AURICLE_API_KEY", help="API key of the server.", show_envvar=True)
    ] = None,
    latency_ms: Annotated[
        list[int] | None,
        typer.Option(help="Chunk latency. Repeat the option for several. Default: all latencies of the model."),
    ] = None,
    mode: Annotated[
        list[StreamMode] | None,
        typer.Option(
            help="live; refined: live, with finals of the second pass; offline: as files. Repeat the option for "
            "several. Default: live."
        ),
    ] = None,
    cures: Annotated[
        list[str] | None,
        typer.Option(
            help="Cures of the started server, as for auricle serve: profile, off, or a list. Repeat the option to "
            "compare several. Default: profile."
        ),
    ] = None,
    language: Annotated[
        str | None,
        typer.Option(help="BCP-47 code, or auto, for all recordings. Default: the language that the manifest names."),
    ] = None,
    turns: Annotated[str, typer.Option(help="Turn detection: off, silence or semantic.")] = "silence",
    realtime: Annotated[
        bool,
        typer.Option(
            "--realtime/--fast",
            help="Send the audio at the speed of speech, which the delays of finals need; or as fast as the server "
            "takes it.",
        ),
    ] = False,
    streams: Annotated[int, typer.Option(min=1, help="Recordings streamed at once.")] = 4,
    limit: Annotated[int | None, typer.Option(min=1, help="Evaluate this many recordings, from the start.")] = None,
    device: Annotated[str, typer.Option(help="Device of the started server: auto, cpu or cuda.")] = "auto",
    dtype: Annotated[
        str, typer.Option(help="Precision of the started server: auto, float32, bfloat16, fp16-weights or int8.")
    ] = AUTO,
    threads: Annotated[
        int | None, typer.Option(min=1, help="CPU threads of the started server. Default: as for auricle serve.")
    ] = None,
    against: Annotated[
        list[str] | None,
        typer.Option(
            help="Another server, evaluated on the same recordings and compared: [native=|deepgram=|openai=]URL. "
            "Repeat the option for several."
        ),
    ] = None,
    against_api_key: Annotated[str | None, typer.Option(help="API key of the other servers.")] = None,
    json_file: Annotated[
        Path | None,
        typer.Option("--json", help="Write the figures to this file, without texts and names of recordings."),
    ] = None,
    html_file: Annotated[
        Path | None,
        typer.Option("--html", help="Write a page with the figures, and with the worst recordings to listen to."),
    ] = None,
) -> None:
    """Measure how well a model recognises your own recordings, as live streams.

    Prints word and character error rates with 95 % intervals, words lost at starts and ends, words in silence, turn
    ends and delays for each latency and mode. The exit code is 1 when a recording could not be evaluated.
    """
    url = server_asked_for(context, url, _OF_OWN_SERVER)
    given: dict[str, Any] = dict(locals())
    from auricle.protocol.settings import InvalidMessage
    from auricle_server.bench.quality.evaluation import evaluate_all, prepare
    from auricle_server.bench.quality.recognisers.dialects import UnknownDialect
    from auricle_server.bench.quality.recognisers.interface import RecogniserFailed
    from auricle_server.bench.quality.recordings import ManifestError, read_recordings
    from auricle_server.bench.quality.report.terminal import show
    from auricle_server.config import ConfigError

    _check_folders(json_file, html_file)
    try:
        options, systems = _options(given), _systems(given)
        recordings = read_recordings(manifest, limit)
        with _progress() as report:
            clips = asyncio.run(prepare(recordings, report))
            rows = asyncio.run(evaluate_all(clips, systems, options, report))
    except (ManifestError, RecogniserFailed, UnknownDialect, InvalidMessage, ConfigError) as error:
        fail(str(error))
        raise typer.Exit(1) from error
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    show(rows, _console())
    _write(given, rows, clips)
    raise typer.Exit(1 if any(row.failures for row in rows) else 0)


def _check_folders(*files: Path | None) -> None:
    """Ends the command where a file cannot be written, before hours of recordings have been played for it."""
    for file in files:
        if file is not None and (file.is_dir() or not file.parent.is_dir()):
            problem = "a folder, not a file" if file.is_dir() else f"there is no folder {file.parent}"
            fail(f"{file} cannot be written: {problem}")
            raise typer.Exit(1)


def _options(given: dict[str, Any]) -> EvaluationOptions:
    from auricle.protocol.settings import TurnSettings
    from auricle_server.bench.quality.setting_run import EvaluationOptions

    return EvaluationOptions(
        modes=tuple(dict.fromkeys(given["mode"] or [StreamMode.LIVE])),
        latencies_ms=tuple(dict.fromkeys(given["latency_ms"] or ())),
        language=given["language"],
        realtime=given["realtime"],
        streams=given["streams"],
        turns=TurnSettings(mode=given["turns"]).mode,
    )


def _systems(given: dict[str, Any]) -> list[EvaluatedSystem]:
    """The server under evaluation, once for each choice of cures, and those to compare it with."""
    from auricle_server.bench.quality.recognisers.dialects import NATIVE, split_address
    from auricle_server.bench.quality.setting_run import EvaluatedSystem
    from auricle_server.config import ConfigError, ServerConfig

    if given["url"] is not None:
        if given["cures"]:
            raise ConfigError("--cures belongs to a server that the command starts; with --url, leave it out")
        systems = [EvaluatedSystem(name=_OWN, dialect=NATIVE, url=given["url"], api_key=given["api_key"])]
    else:
        # Without a bound of the load: sent faster than speech, a recording would be refused for the haste of others.
        kept = {name: given[name] for name in ("model", "device", "dtype", "threads")}
        plain = ServerConfig(**kept, max_load=0)
        cures = dict.fromkeys(given["cures"] or [plain.cures])
        systems = [EvaluatedSystem(name=_OWN, dialect=NATIVE, config=replace(plain, cures=each)) for each in cures]
    for number, address in enumerate(given["against"] or (), 1):
        dialect, url = split_address(address)
        name = f"{_OTHER} {number}" if len(given["against"]) > 1 else _OTHER
        # Never none: the client would send the others the key that is in AURICLE_API_KEY.
        api_key = given["against_api_key"] or ""
        systems.append(EvaluatedSystem(name=name, dialect=dialect, url=url, api_key=api_key))
    return systems


def _write(given: dict[str, Any], rows: Sequence[EvaluationRow], clips: Sequence[EvaluatedClip]) -> None:
    """Writes the record and the page where they are asked for."""
    from auricle_server.bench.quality.report.page import page
    from auricle_server.bench.quality.report.record import evaluation_record
    from auricle_server.bench.report.results import serialised

    if given["json_file"] is None and given["html_file"] is None:
        return
    record = evaluation_record(rows, clips, _kept(given))
    if given["json_file"] is not None:
        given["json_file"].write_text(serialised(record), encoding="utf-8")
        notes.print(f"figures: {given['json_file']}", markup=False)
    if given["html_file"] is not None:
        given["html_file"].write_text(page(rows, clips, record, given["html_file"].parent), encoding="utf-8")
        notes.print(f"page: {given['html_file']}", markup=False)


def _kept(given: dict[str, Any]) -> dict[str, Any]:
    """The options as a record keeps them: without addresses, keys and paths."""
    from auricle_server.bench.quality.report.record import model_of_record

    kept = {name: given[name] for name in ("language", "turns", "realtime", "streams", "limit")}
    if given["url"] is None:
        kept |= {name: given[name] for name in ("device", "dtype", "threads")}
    return {**model_of_record(given["model"] if given["url"] is None else None), **kept}


@contextmanager
def _progress() -> Iterator[Report]:
    """Shows one bar, of what is being done."""
    columns = TextColumn("{task.description}", markup=False), BarColumn(bar_width=24), TaskProgressColumn()
    with Progress(*columns, console=notes, transient=True, disable=not notes.is_terminal) as bar:
        task = bar.add_task("")

        def report(label: str, done: int, of: int) -> None:
            bar.update(task, description=label, completed=done, total=of)

        yield report


def _console() -> Console:
    """The terminal, or for a file or pipe a console that is wide enough for the tables."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_LOG_WIDTH)

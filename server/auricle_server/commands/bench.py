"""`auricle bench`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from auricle_server.commands.console import fail

bench = typer.Typer(
    name="bench",
    help="Measure what this machine holds.",
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Model = Annotated[str, typer.Option(help="demo, a .nemo file, a folder, or a Hugging Face id.")]
RandomWeights = Annotated[
    str | None, typer.Option(help="In place of a checkpoint: en, 3.5, 120m or demo with random weights of full size.")
]
Out = Annotated[Path | None, typer.Option(help="Folder of the results; tests/bench/results/<machine> unless set.")]


def _print(text: str) -> None:
    Console(highlight=False, soft_wrap=True).print(text, markup=False)


@bench.callback()
def _bench() -> None:
    """Measure what this machine holds."""


@bench.command()
def engine(
    model: Model = "demo",
    random_weights: RandomWeights = None,
    latency_ms: Annotated[
        list[int] | None, typer.Option(help="Chunk; may be given several times; all of the model's unless set.")
    ] = None,
    streams: Annotated[int | None, typer.Option(help="Measure so many; searches the most unless set.")] = None,
    most: Annotated[int | None, typer.Option(help="Search no farther.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda.")] = "auto",
    dtype: Annotated[str | None, typer.Option(help="float32 or bfloat16; what suits the device unless set.")] = None,
    threads: Annotated[int, typer.Option(help="CPU threads.")] = 1,
    hold: Annotated[float, typer.Option(help="Seconds of audio measured for each number of streams.")] = 4.0,
    stopwatch: Annotated[
        str, typer.Option("--time", help="wall, or cpu: this process's own time, on a machine that others use too.")
    ] = "wall",
    compare: Annotated[int, typer.Option(help="Streams whose transcripts are compared with what they say alone.")] = 16,
    baseline: Annotated[list[str] | None, typer.Option(help="nemo: its pipeline, measured beside ours.")] = None,
    rounds: Annotated[int, typer.Option(help="Rounds of a comparison.")] = 12,
    budget: Annotated[float | None, typer.Option(help="Seconds after which no further chunk is begun.")] = None,
    profile: Annotated[bool, typer.Option("--profile", help="Say what the time goes into; write a trace.")] = False,
    out: Out = None,
) -> None:
    """Live streams on the engine by itself: how many it sustains, and how long they wait.

    Streams speak the bundled clips, each from a place of its own, in packets of 20 ms, in phases spread over a chunk.
    Sustained is the largest number whose results come within a chunk of the audio that completes them (p99), with no
    growing backlog. Time passes virtually: what the engine costs is measured, waiting for audio is skipped.
    """
    given: dict[str, Any] = dict(locals())
    given["latencies_ms"] = tuple(given.pop("latency_ms") or ())
    given["baselines"] = tuple(given.pop("baseline") or ())
    from auricle_server.bench import MissingPackage
    from auricle_server.bench.engine.capacity import EngineOptions, run
    from auricle_server.checkpoints.errors import CheckpointError

    try:
        run(EngineOptions(**given), _print)
    except (MissingPackage, CheckpointError, ValueError) as error:
        fail(str(error))
        raise typer.Exit(1) from error


@bench.command()
def serve(
    model: Model = "demo",
    random_weights: RandomWeights = None,
    latency_ms: Annotated[int, typer.Option(help="Chunk that clients ask for.")] = 160,
    streams: Annotated[int, typer.Option(help="So many live streams.")] = 8,
    find: Annotated[bool, typer.Option("--find", help="Search the most instead.")] = False,
    most: Annotated[int, typer.Option(help="Search no farther.")] = 4096,
    seconds: Annotated[float, typer.Option(help="How long they speak after the ramp.")] = 20.0,
    ramp: Annotated[float, typer.Option(help="Seconds over which they open; not measured.")] = 2.0,
    gateways: Annotated[int, typer.Option(help="Gateway processes.")] = 1,
    workers: Annotated[int, typer.Option(help="Worker processes.")] = 1,
    client_processes: Annotated[int, typer.Option(help="Processes of clients.")] = 1,
    threads: Annotated[int, typer.Option(help="CPU threads of a worker.")] = 1,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda.")] = "auto",
    soak: Annotated[float | None, typer.Option(help="Speak for so many minutes; memory must stay flat.")] = None,
    out: Out = None,
) -> None:
    """Live streams through a whole server, over real WebSockets, from clients in processes of their own.

    A number of streams holds when p95 of the finals comes within a chunk and 150 ms of their finalize, p99 of the
    engine's steps within a chunk, lag does not grow, nothing is missing or wrong, and the words are those that each
    stream says alone. The exit code is 1 when it does not.
    """
    given: dict[str, Any] = dict(locals())
    if given.pop("find"):
        given["streams"] = None
    from auricle_server.bench.server.load_test import ServeOptions, run
    from auricle_server.checkpoints.errors import CheckpointError
    from auricle_server.demo.server_process import ServerFailed

    try:
        _, wrong = run(ServeOptions(**given), _print)
    except (CheckpointError, ServerFailed, ValueError) as error:
        fail(str(error))
        raise typer.Exit(1) from error
    raise typer.Exit(1 if wrong and not find else 0)


Results = Annotated[Path, typer.Option(help="Folder of the results.", exists=True, file_okay=False)]
_RESULTS = Path("tests/bench/results")


@bench.command()
def table(
    results: Results = _RESULTS,
    page: Annotated[
        Path | None, typer.Option("--page", "--readme", help="Put the tables between this page's markers.")
    ] = None,
) -> None:
    """Tables of the results, as Markdown."""
    from auricle_server.bench.report.table import NoMarkers, render, update

    if page is None:
        _print(render(results))
        return
    try:
        update(page, results)
    except NoMarkers as error:
        fail(str(error))
        raise typer.Exit(1) from error


@bench.command()
def plot(results: Results = _RESULTS) -> None:
    """Pictures of the results, one SVG a machine."""
    from auricle_server.bench import MissingPackage
    from auricle_server.bench.report.plot import plot as draw

    try:
        for path in draw(results):
            _print(str(path))
    except MissingPackage as error:
        fail(str(error))
        raise typer.Exit(1) from error


@bench.command()
def gpu(
    budget: Annotated[float, typer.Option(help="Seconds after which nothing more is begun.")] = 480.0,
) -> None:
    """All that an NVIDIA GPU can say: its tests, the engine with models of full size, the server.

    What is not installed is named and left out. To be run from a checkout, as `make gpu` does.
    """
    from auricle_server.bench.gpu import run

    raise typer.Exit(run(budget, _print))

"""`auricle bench`."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from auricle_server.commands.console import fail
from auricle_server.dtypes import AUTO

bench = typer.Typer(
    name="bench",
    help="Measure how many live streams this machine sustains.",
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Model = Annotated[str, typer.Option(help="demo, a .nemo file, a folder, or a Hugging Face id.")]
RandomWeights = Annotated[
    str | None,
    typer.Option(help="Use an architecture with random weights instead of a checkpoint: en, 3.5, 120m or demo."),
]
Latencies = Annotated[
    list[int] | None,
    typer.Option(help="Chunk latency. Repeat the option for several. Default: all latencies of the model."),
]
Dtype = Annotated[
    str,
    typer.Option(
        help="auto, float32, bfloat16 (GPU), fp16-weights or int8 (CPU); auto takes what suits device and model."
    ),
]
Out = Annotated[Path | None, typer.Option(help="Folder of the results. Default: tests/bench/results/MACHINE.")]


def _print(text: str) -> None:
    Console(highlight=False, soft_wrap=True).print(text, markup=False)


def _timed() -> Callable[[str], None]:
    """Prints lines with the seconds since now: each phase of a bench says when it begins."""
    began = time.monotonic()
    return lambda text: _print(f"{time.monotonic() - began:5.0f} s  {text}")


@bench.callback()
def _bench() -> None:
    """Measure how many live streams this machine sustains."""


@bench.command()
def engine(
    model: Model = "demo",
    random_weights: RandomWeights = None,
    latency_ms: Latencies = None,
    streams: Annotated[
        int | None, typer.Option(help="Measure this number of streams. Default: search the largest sustained number.")
    ] = None,
    most: Annotated[int | None, typer.Option(help="Upper end of the search.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    dtype: Dtype = AUTO,
    threads: Annotated[
        int | None,
        typer.Option(help="CPU threads. Default: all physical cores for a large model on a CPU, else 1."),
    ] = None,
    hold: Annotated[float, typer.Option(help="Seconds of audio measured for each number of streams.")] = 4.0,
    stopwatch: Annotated[
        str, typer.Option("--time", help="wall, or cpu: CPU time of this process, for a machine with other work.")
    ] = "wall",
    compare: Annotated[
        int, typer.Option(help="Number of streams whose transcripts are compared with those of the same streams alone.")
    ] = 16,
    baseline: Annotated[
        list[str] | None,
        typer.Option(help="Measure another engine in the same run: nemo, sherpa-onnx or sherpa-onnx-int8."),
    ] = None,
    rounds: Annotated[int, typer.Option(help="Measured rounds of a comparison with a baseline.")] = 12,
    budget: Annotated[float | None, typer.Option(help="Seconds after which nothing further is tried.")] = None,
    profile: Annotated[bool, typer.Option("--profile", help="Print and write a profile, with a trace.")] = False,
    one_stream: Annotated[
        bool, typer.Option(help="Measure one stream by itself, the start and the memory too, on a CPU.")
    ] = True,
    against: Annotated[
        Path | None,
        typer.Option(help="Another checkout of Auricle: measure one stream on its engine in turns with this one's."),
    ] = None,
    out: Out = None,
) -> None:
    """Measure the engine without sockets: sustained live streams, and the wait for their results.

    Every stream plays the bundled clips from its own start in packets of 20 ms; the starts are spread over a chunk.
    A number of streams is sustained when p99 of the wait, from the packet that completes a chunk to its results, is
    shorter than a chunk, and the backlog does not grow. The clock is virtual: the cost of the engine is measured, and
    idle time is skipped. On a CPU, one stream is measured by itself first, in a process that holds nothing but the
    engine: the time for a second of audio, how long the start takes, and the memory.
    """
    given: dict[str, Any] = dict(locals())
    given["latencies_ms"] = tuple(given.pop("latency_ms") or ())
    given["baselines"] = tuple(given.pop("baseline") or ())
    from auricle_server.bench import MissingPackage
    from auricle_server.bench.engine.capacity import run
    from auricle_server.bench.engine.engine_process import EngineProcessFailed
    from auricle_server.bench.engine.options import EngineOptions
    from auricle_server.checkpoints.errors import CheckpointError

    try:
        run(EngineOptions(**given), _timed())
    except (MissingPackage, CheckpointError, EngineProcessFailed, ValueError) as error:
        fail(str(error))
        raise typer.Exit(1) from error


@bench.command()
def serve(
    model: Model = "demo",
    random_weights: RandomWeights = None,
    latency_ms: Annotated[int, typer.Option(help="Chunk latency of the streams.")] = 160,
    streams: Annotated[int, typer.Option(help="Number of live streams.")] = 8,
    find: Annotated[bool, typer.Option("--find", help="Search the largest number of streams instead.")] = False,
    first: Annotated[int, typer.Option(help="First number of streams of the search.")] = 4,
    most: Annotated[int, typer.Option(help="Upper end of the search.")] = 4096,
    budget: Annotated[float | None, typer.Option(help="Seconds after which the search ends.")] = None,
    seconds: Annotated[float, typer.Option(help="Length of each stream after the ramp, seconds.")] = 20.0,
    ramp: Annotated[float, typer.Option(help="Seconds over which the streams start; not measured.")] = 2.0,
    gateways: Annotated[int, typer.Option(help="Gateway processes.")] = 1,
    workers: Annotated[int, typer.Option(help="Worker processes.")] = 1,
    client_processes: Annotated[int, typer.Option(help="Client processes.")] = 1,
    threads: Annotated[int, typer.Option(help="CPU threads per worker.")] = 1,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    dtype: Dtype = AUTO,
    soak: Annotated[
        float | None, typer.Option(help="Run for this many minutes, and check that memory does not grow.")
    ] = None,
    out: Out = None,
) -> None:
    """Measure a whole server over WebSockets, with clients in their own processes.

    A number of streams is sustained when p95 from finalize to final is at most a chunk plus 150 ms, p99 of the engine's
    steps is shorter than a chunk, the lag does not grow, no final is missing, no error occurs, and the word error rate
    equals that of the same streams alone. The exit code is 1 when it is not.
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
        Path | None, typer.Option("--page", "--readme", help="Write the tables between the markers of this page.")
    ] = None,
) -> None:
    """Print tables of the results as Markdown."""
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
def plot(
    results: Results = _RESULTS,
    fleets: Annotated[
        Path | None, typer.Option(help="Draw the newest simulated fleet instead, into this folder.")
    ] = None,
) -> None:
    """Draw plots of the results, one SVG for each machine."""
    from auricle_server.bench import MissingPackage
    from auricle_server.bench.fleet.pictures import draw as draw_fleets
    from auricle_server.bench.report.plot import plot as draw

    try:
        for path in draw(results) if fleets is None else draw_fleets(results, fleets):
            _print(str(path))
    except MissingPackage as error:
        fail(str(error))
        raise typer.Exit(1) from error


@bench.command()
def steps(
    model: Model = "demo",
    random_weights: RandomWeights = None,
    latency_ms: Latencies = None,
    rows: Annotated[
        list[int] | None, typer.Option(help="Streams of a step. Repeat the option for several. Default: some sizes.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    threads: Annotated[int, typer.Option(help="CPU threads.")] = 1,
    profile: Annotated[bool, typer.Option("--profile", help="Profile the kernels, to tell parts apart.")] = False,
    fp8_products: Annotated[bool, typer.Option("--fp8-products", help="Multiply in FP8: an experiment.")] = False,
    fp8_rings: Annotated[bool, typer.Option("--fp8-rings", help="Keep keys and values in FP8: an experiment.")] = False,
    budget: Annotated[float | None, typer.Option(help="Seconds after which no further size is started.")] = None,
    out: Out = None,
) -> None:
    """Time single steps of the engine, and say what bounds each.

    The time of a step, and of its kernels with `--profile` on a GPU, stands beside the time that its bytes and its
    operations need at least, at the bandwidth and the rates that the device shows in the same run.
    """
    given: dict[str, Any] = dict(locals())
    given["latencies_ms"] = tuple(given.pop("latency_ms") or ())
    given["rows"] = tuple(given["rows"] or ())
    from auricle_server.bench.gpu.steps import StepsOptions, run
    from auricle_server.checkpoints.errors import CheckpointError

    try:
        run(StepsOptions(**given), _print)
    except (CheckpointError, ValueError) as error:
        fail(str(error))
        raise typer.Exit(1) from error


@bench.command()
def gpu(
    budget: Annotated[float, typer.Option(help="Seconds for all stages together.")] = 555.0,
    stage: Annotated[
        list[str] | None,
        typer.Option(
            help="tests, kernels, engine, steps, serve or fp8. Repeat the option for several. Default: all but fp8."
        ),
    ] = None,
    device: Annotated[str, typer.Option(help="cuda; cpu shows that the stages run.")] = "cuda",
    random_weights: Annotated[str, typer.Option(help="Architecture: en, 3.5, 120m or demo.")] = "en",
    latency_ms: Annotated[
        list[int] | None, typer.Option(help="Chunk latency. Repeat the option for several. Default: 80 and 1120.")
    ] = None,
    streams: Annotated[
        int | None, typer.Option(help="First number of streams through WebSockets. Default: 60 for each core.")
    ] = None,
    out: Out = None,
) -> None:
    """Run the GPU tests and benches in order: kernels and parity, engine, single steps, server.

    Each stage has its share of the time and leaves what it measured when that ends. Results are JSON, and `gpu.txt`
    says in words what bounds each. Stages whose packages are not installed are skipped and named. Run it from a
    checkout, as `make gpu` does.
    """
    from auricle_server.bench.gpu.run import run
    from auricle_server.bench.gpu.stages import GpuOptions

    latencies = tuple(latency_ms or (80, 1120))
    options = GpuOptions(budget, tuple(stage or ()), device, random_weights, latencies, streams, out)
    try:
        code = run(options, _print)
    except ValueError as error:
        fail(str(error))
        raise typer.Exit(1) from error
    raise typer.Exit(code)

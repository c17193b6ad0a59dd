"""The stages of `make gpu`, in the order in which they tell most if time runs out. Each is a program of its own."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

SERVE_NEEDS = ("aiohttp", "msgspec", "prometheus_client", "soxr", "zmq")
TESTS = (
    "tests/gpu/test_kernels.py",
    "tests/gpu/test_engine.py",
    "tests/gpu/test_fp8.py",
    "tests/auricle_server/engine/ops",
)
STARTING = 30.0
"""Seconds of a stage before its own clock starts, and after it has stopped: imports, and writing results."""
MOST_TEST_PROCESSES = 8
"""Each holds a CUDA context of half a gigabyte; they are there to compile kernels at the same time."""


@dataclass(frozen=True, slots=True)
class GpuOptions:
    """What to run, and where.

    Attributes:
        budget: Seconds for all stages together.
        stages: Names of the stages to run; empty means all but experiments.
        device: ``"cuda"``; ``"cpu"`` shows on any machine that the stages run, with a small architecture.
        random_weights: Architecture of `SHAPES` to measure.
        latencies_ms: Chunk latencies to measure; the first one is served.
        streams: First number of streams through WebSockets; None takes 60 a core.
        out: Folder of the results; None takes the machine's.
    """

    budget: float = 555.0
    stages: tuple[str, ...] = ()
    device: str = "cuda"
    random_weights: str = "en"
    latencies_ms: tuple[int, ...] = (80, 1120)
    streams: int | None = None
    out: Path | None = None


@dataclass(frozen=True, slots=True)
class GpuStage:
    """One program of the run.

    Attributes:
        name: Name in the output, and for `GpuOptions.stages`.
        needs: Modules without which the stage is skipped.
        arguments: Of the Python interpreter; ``{budget}`` stands for the seconds that the program has for its work.
        share: Part of the whole budget, relative to the other stages of the run. A stage that begins early also has
            what those before it left.
        on_request: Whether it runs only when it is named.
    """

    name: str
    needs: tuple[str, ...]
    arguments: tuple[str, ...]
    share: float
    on_request: bool = False

    @property
    def missing(self) -> list[str]:
        """Modules that it needs and that are not installed."""
        return [name for name in self.needs if not is_installed(name)]

    def command(self, seconds: float) -> list[str]:
        """The arguments for a program that has so many seconds."""
        budget = f"{max(1.0, seconds - STARTING):.0f}"
        return [budget if argument == "{budget}" else argument for argument in self.arguments]


def is_installed(name: str) -> bool:
    """Whether a module can be imported."""
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:  # as a finder may say that hides modules
        return False


def stages(options: GpuOptions, out: Path) -> list[GpuStage]:
    """The chosen stages in order.

    Args:
        options: Of the run.
        out: Where results are written.

    Raises:
        ValueError: A chosen stage does not exist.
    """
    everything = list(_stages(options, out))
    names = [stage.name for stage in everything]
    if unknown := set(options.stages) - set(names):
        raise ValueError(f"no stage {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    return [stage for stage in everything if (stage.name in options.stages if options.stages else not stage.on_request)]


def _stages(options: GpuOptions, out: Path) -> Iterator[GpuStage]:
    model = ("--random-weights", options.random_weights, "--device", options.device)
    chunks = [text for latency in options.latencies_ms for text in ("--latency-ms", str(latency))]
    writes = ("--budget", "{budget}", "--out", str(out))
    # In Triton's interpreter, which takes minutes, the kernels are tested elsewhere: without a GPU, what needs one is
    # only collected.
    tests = [path for path in (TESTS if options.device == "cuda" else TESTS[:3]) if Path(path).exists()]
    if tests:
        yield GpuStage("tests", ("pytest",), ("-m", "pytest", *tests, *_pytest_options(options.device)), 0.19)
    if Path("tests/gpu/time_kernels.py").exists():
        kernels = ("-m", "tests.gpu.time_kernels", "--device", options.device, *writes)
        yield GpuStage("kernels", (), kernels, 0.05)
    bench = ("-m", "auricle_server.bench")
    yield GpuStage("engine", (), (*bench, "engine", *model, *chunks, "--hold", "2", *writes), 0.3)
    yield GpuStage("steps", (), (*bench, "steps", *model, *chunks, "--profile", *writes), 0.1)
    yield GpuStage("serve", SERVE_NEEDS, (*bench, "serve", *model, *_serve(options), *writes), 0.36)
    fp8 = (*bench, "steps", *model, *chunks, "--profile", "--fp8-products", "--fp8-rings", *writes)
    yield GpuStage("fp8", (), fp8, 0.3, on_request=True)


def _pytest_options(device: str) -> Iterable[str]:
    """Results line by line, so that a run that is stopped has shown what it knew."""
    yield from ("-v", "--tb=short", "-rfE", "-p", "no:cacheprovider", "-o", "addopts=", "--import-mode=importlib")
    # Our settings make warnings errors, for the versions that we pin. This machine has others, and pytest warns about
    # settings of plugins that it lacks.
    yield from ("-W", "default")
    cores = len(os.sched_getaffinity(0))
    if device == "cuda" and cores > 1 and is_installed("xdist"):
        yield from ("-n", str(min(MOST_TEST_PROCESSES, cores // 2)))


def _serve(options: GpuOptions) -> Iterator[str]:
    cores = len(os.sched_getaffinity(0))
    small = options.device != "cuda"
    settings = {
        "--latency-ms": options.latencies_ms[0],
        "--first": options.streams or 60 * cores,
        "--gateways": max(1, cores // 3),
        "--client-processes": max(1, cores // 3),
        "--seconds": 5 if small else 12,
        "--ramp": 1 if small else 4,
    }
    yield "--find"
    for pair in settings.items():
        yield from map(str, pair)

"""What `make gpu` runs: tests and benches for a machine with an NVIDIA GPU, within a time budget.

Such a machine may have few packages installed. A stage whose packages are missing is skipped and named.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

SERVE_NEEDS = ("aiohttp", "msgspec", "prometheus_client", "soxr", "zmq")
TEST_NEEDS = ("pytest", "pytest_asyncio", "pytest_timeout", "hypothesis")
RESERVE = 20.0
"""Seconds of the budget that are kept for a stage to end by itself."""
TESTS = ("tests/gpu", "tests/auricle_server/engine/ops")


@dataclass(frozen=True, slots=True)
class GpuStage:
    """One command of the run.

    Attributes:
        name: Name in the output.
        needs: Modules without which the stage is skipped.
        arguments: Arguments of the Python interpreter.
        share: Seconds of the budget that the stage may take.
    """

    name: str
    needs: tuple[str, ...]
    arguments: tuple[str, ...]
    share: float


def run(budget: float, log: Callable[[str], None]) -> int:
    """Runs all stages in order; returns 1 when one of them failed, else 0."""
    if not torch.cuda.is_available():
        log("make gpu needs an NVIDIA GPU, and a PyTorch build with CUDA")
        return 1
    ends, failed = time.monotonic() + budget, False
    log(f"{torch.cuda.get_device_name()}, PyTorch {torch.__version__}, {budget:.0f} s")
    for stage in stages():
        left = ends - time.monotonic()
        lacking = [name for name in stage.needs if importlib.util.find_spec(name) is None]
        if lacking:
            log(f"== {stage.name}: skipped, {', '.join(lacking)} not installed")
        elif left < 2 * RESERVE:
            log(f"== {stage.name}: skipped, the time budget is used up")
        else:
            failed |= _run(stage, min(stage.share, left - RESERVE), log)
    return int(failed)


def stages() -> Iterator[GpuStage]:
    """The tests, the engine with three models, and the server."""
    tests = [folder for folder in TESTS if Path(folder).is_dir()]
    quiet = ("-q", "-p", "no:cacheprovider", "-o", "addopts=", "--import-mode=importlib")
    if tests:
        yield GpuStage("tests", ("pytest",), ("-m", "pytest", *tests, *quiet, *_markers()), 150)
    yield _engine("en", (80, 160, 560, 1120), 110)
    yield _engine("3.5", (80, 320, 1120), 90)
    yield _engine(None, (80, 160), 40)
    yield GpuStage("serve", SERVE_NEEDS, _serve("en", 80), 100)


def _markers() -> tuple[str, ...]:
    """Pytest warns about settings of plugins that are not installed, and warnings are errors in our settings."""
    missing = [name for name in TEST_NEEDS if importlib.util.find_spec(name) is None]
    return ("-W", "ignore::pytest.PytestConfigWarning") if missing else ()


def _engine(random: str | None, latencies: Sequence[int], seconds: float) -> GpuStage:
    model = ("--random-weights", random) if random else ("--model", "demo")
    chunks = [text for latency in latencies for text in ("--latency-ms", str(latency))]
    options = ("--device", "cuda", "--hold", "2", "--budget", str(seconds - RESERVE))
    arguments = ("-m", "auricle_server.bench", "engine", *model, *chunks, *options)
    return GpuStage(f"engine {random or 'demo'}", (), arguments, seconds)


def _serve(random: str, latency_ms: int) -> tuple[str, ...]:
    cores = len(os.sched_getaffinity(0))
    options = {
        "--random-weights": random,
        "--latency-ms": latency_ms,
        "--streams": 60 * cores,
        "--gateways": max(1, cores // 3),
        "--client-processes": max(1, cores // 3),
        "--seconds": 15,
        "--ramp": 5,
        "--device": "cuda",
    }
    return ("-m", "auricle_server.bench", "serve", *(text for pair in options.items() for text in map(str, pair)))


def _run(stage: GpuStage, seconds: float, log: Callable[[str], None]) -> bool:
    """Runs a stage; True when it failed. A stage that takes too long is stopped, and its written results stay."""
    log(f"== {stage.name}")
    began = time.monotonic()
    try:
        done = subprocess.run([sys.executable, *stage.arguments], timeout=seconds, check=False)  # noqa: S603 - fixed arguments
    except subprocess.TimeoutExpired:
        log(f"== {stage.name}: stopped after {seconds:.0f} s")
        # Not a failure: each bench writes a record as soon as it has one.
        return False
    log(f"== {stage.name}: {'done' if done.returncode == 0 else 'FAILED'} in {time.monotonic() - began:.0f} s")
    return done.returncode != 0

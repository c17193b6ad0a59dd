"""One engine in a process of its own: what it takes to start, its memory, and the time for a chunk.

The figures are those of a worker of a server: nothing but the model is in the process. The process may run another
checkout of Auricle, for a comparison within one run.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from auricle_server.bench.engine import process_child

PACKAGES = Path(__file__).parents[3]
"""The folder from which this package was imported."""


class EngineProcessFailed(RuntimeError):
    """The process ended before it answered."""


@dataclass(frozen=True, slots=True)
class EngineStart:
    """What the start of an engine took.

    Attributes:
        dtype: Precision of activations and state.
        weights: Format of the packed weights; None where the engine knows only one.
        isa: Instruction set that PyTorch uses: ``default``, ``avx2``, ``avx512``.
        threads: Threads of PyTorch.
        latencies_ms: Chunk latencies that the model offers.
        start_seconds: From the start of the program until the engine is warmed up.
        phase_seconds: Parts of it: import, load, build, warm_up.
        resident_bytes: Resident memory when ready.
        peak_bytes: The most resident memory until then; pages of mapped files count.
    """

    dtype: str
    weights: str | None
    isa: str
    threads: int
    latencies_ms: tuple[int, ...]
    start_seconds: float
    phase_seconds: dict[str, float]
    resident_bytes: int
    peak_bytes: int


@dataclass(frozen=True, slots=True)
class ChunkTimes:
    """Measured rounds, in each of which every stream gets a chunk at once.

    Attributes:
        seconds: Duration of each round.
        processor_seconds: Processor time of all rounds, of all threads.
        tokens: Tokens of all streams.
        resident_bytes: Resident memory afterwards.
    """

    seconds: tuple[float, ...]
    processor_seconds: float
    tokens: int
    resident_bytes: int


class EngineProcess:
    """An engine in a process of its own. A context manager: leaving it ends the process.

    Args:
        model: A model as `load_checkpoint` takes it.
        dtype: As `--dtype` takes it.
        threads: Threads of PyTorch.
        slots: Streams at once.
        checkout: Another checkout of Auricle (`check_checkout`), whose engine runs; None runs this one's.

    Attributes:
        start: What the start took.

    Raises:
        EngineProcessFailed: The engine could not be built; the process has written why to standard error.
    """

    def __init__(self, model: str, *, dtype: str, threads: int, slots: int, checkout: Path | None = None) -> None:
        settings = {"model": model, "dtype": dtype, "threads": threads, "slots": slots}
        path = os.pathsep.join((*_folders(checkout), *filter(None, [os.environ.get("PYTHONPATH")])))
        began = time.perf_counter()
        self._name = "this checkout" if checkout is None else str(checkout)
        self._process = subprocess.Popen(  # noqa: S603 - this interpreter, and a program of this package
            # -P: the folder of the program is no place to import from; it has a module called profile.
            [sys.executable, "-P", process_child.__file__, json.dumps(settings)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
        )
        try:
            ready = self._answer()
        except EngineProcessFailed:
            self.close()
            raise
        taken, memory, phases = time.perf_counter() - began, ready.pop("memory"), ready.pop("seconds")
        latencies = tuple(ready.pop("latencies_ms"))
        self.start = EngineStart(
            **ready,
            latencies_ms=latencies,
            start_seconds=taken,
            phase_seconds=phases,
            resident_bytes=memory["resident_bytes"],
            peak_bytes=memory["peak_bytes"],
        )

    def measure(self, latency_ms: int, *, streams: int = 1, chunks: int) -> ChunkTimes:
        """Times `chunks` chunks of each of `streams` new streams, after some that are not measured."""
        assert self._process.stdin is not None
        question = {"latency_ms": latency_ms, "streams": streams, "chunks": chunks}
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        found = self._answer()
        return ChunkTimes(
            tuple(found["seconds"]), found["processor_seconds"], found["tokens"], found["memory"]["resident_bytes"]
        )

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            code = self._process.wait()
            raise EngineProcessFailed(f"the engine of {self._name} ended with code {code}; see its error above")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.communicate()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self.close()


def check_checkout(folder: Path) -> None:
    """Checks that a folder is a checkout of Auricle.

    Raises:
        ValueError: It is none.
    """
    if not (folder / "server" / "auricle_server").is_dir():
        raise ValueError(f"{folder} is no checkout of Auricle: it has no folder server/auricle_server")


def _folders(checkout: Path | None) -> list[str]:
    """The folders to import Auricle from; they precede those of this process."""
    if checkout is None:
        return [str(PACKAGES)]
    return [str(checkout.resolve() / name) for name in ("server", "plugins")]

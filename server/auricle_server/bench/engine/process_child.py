"""The program of an `EngineProcess`: one engine in a process of its own, which measures what its parent asks for.

It is run as a file, with any checkout of Auricle on the path, so that the same program measures the engine of this
commit and of others. Therefore it uses only what engines have had for long, and looks for what newer ones have.

The first argument is a JSON object: ``model``, ``dtype`` (as `--dtype` takes it), ``threads`` and ``slots``. Messages
are lines of JSON on standard input and output. The first output says that the engine is ready and what that took; after
that each input, a `latency_ms`, a number of `streams` and of `chunks`, is answered by what these took.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

WARM_UP = 2
"""Chunks of each stream that are not measured."""
MOST_SECONDS, FEWEST = 15.0, 4
"""A measurement ends after so many seconds, if it has so many chunks: the engine may be slower than real time."""
_KIB = 1024


class _Phases:
    """Seconds of the phases of a start."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - began


def memory() -> dict[str, int]:
    """Resident memory of this process now and at its peak, in bytes; pages of mapped files count."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    kib = {name: int(lines[name].split()[0]) for name in ("VmRSS", "VmHWM", "RssFile")}
    return {
        "resident_bytes": kib["VmRSS"] * _KIB,
        "peak_bytes": kib["VmHWM"] * _KIB,
        "mapped_file_bytes": kib["RssFile"] * _KIB,
    }


class _MeasuredEngine:
    """An engine, and the time that it takes for chunks."""

    def __init__(self, settings: dict[str, Any]) -> None:
        phases = _Phases()
        with phases.phase("import"):
            import torch

            from auricle_server.checkpoints import load_checkpoint
            from auricle_server.engine.engine import Engine

            torch.set_num_threads(settings["threads"])
        hardware = _hardware(settings["dtype"])
        with phases.phase("load"):
            checkpoint = load_checkpoint(settings["model"])
        with phases.phase("build"):
            self._engine = Engine(checkpoint, slots=settings["slots"], hardware=hardware)
            del checkpoint  # a server keeps no unpacked weights either
        with phases.phase("warm_up"):
            self._engine.warm_up()
        self.ready = {
            "dtype": str(hardware.dtype).removeprefix("torch."),
            "weights": getattr(self._engine, "weights", None),
            "isa": torch.backends.cpu.get_cpu_capability().lower(),
            "latencies_ms": self._engine.info.latencies_ms,
            "threads": torch.get_num_threads(),
            "seconds": phases.seconds,
            "memory": memory(),
        }

    def measure(self, latency_ms: int, streams: int, chunks: int) -> dict[str, Any]:
        """Seconds of each round, in which every stream gets a chunk at once, and processor seconds of all of them.

        There may be fewer rounds than `chunks`, see `MOST_SECONDS`.
        """
        from auricle_server.bench.clips import SAMPLE_RATE, load_clips, talk

        engine, samples = self._engine, round(latency_ms / 1000 * SAMPLE_RATE)
        rounds = WARM_UP + chunks
        clips = load_clips()
        audio = [talk(clips, seed, rounds * latency_ms / 1000) for seed in range(streams)]
        leases = [engine.open(latency_ms, engine.info.default_language) for _ in audio]
        seconds, processor, tokens = [], 0.0, 0
        for number in range(rounds):
            began, began_processor, found = time.perf_counter(), time.process_time(), 0
            for lease, pcm in zip(leases, audio, strict=True):
                engine.push(lease, pcm[number * samples : (number + 1) * samples])
            while engine.ready:
                found += int(engine.step().counts.sum())
            if number >= WARM_UP:
                seconds.append(time.perf_counter() - began)
                processor += time.process_time() - began_processor
                tokens += found
            if len(seconds) >= FEWEST and sum(seconds) > MOST_SECONDS:
                break
        for lease in leases:
            engine.close(lease)
        while engine.ready:
            engine.step()
        return {"seconds": seconds, "processor_seconds": processor, "tokens": tokens, "memory": memory()}


def _hardware(dtype: str) -> Any:
    """The hardware for a `--dtype`; an engine that does not have that format computes in its own choice."""
    import torch

    from auricle_server.engine.build import Hardware

    try:
        from auricle_server.engine.weight_formats import parse_dtype
    except ImportError:
        return Hardware("cpu", torch.bfloat16 if dtype == "bfloat16" else None).resolved()
    chosen = parse_dtype(dtype)
    return Hardware("cpu", chosen.dtype, weights=chosen.weights).resolved()


def main() -> None:
    """Serves the parent until it closes standard input."""
    # What libraries print must not come between the messages.
    messages = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    engine = _MeasuredEngine(json.loads(sys.argv[1]))
    messages.write(json.dumps(engine.ready) + "\n")
    for line in sys.stdin:
        messages.write(json.dumps(engine.measure(**json.loads(line))) + "\n")


if __name__ == "__main__":
    main()

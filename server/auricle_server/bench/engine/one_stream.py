"""One stream by itself, on an engine in a process of its own, and the same of another checkout in turns.

What a laptop needs to know first: how long a second of audio takes at each chunk latency, how long the start takes, and
how much memory.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from auricle_server.bench.engine.engine_process import ChunkTimes, EngineProcess, EngineStart
from auricle_server.bench.report.machine import commit
from auricle_server.bench.report.summaries import Spread

Log = Callable[[str], None]

CHUNKS = 12
"""Fewest measured chunks at each latency."""
SECONDS = 4.0
"""Least measured audio at each latency."""
TURNS = 4
"""Parts of the measurement of a comparison, between which the checkouts take turns."""


@dataclass(frozen=True, slots=True)
class OneStreamFigures:
    """A stream that has the engine for itself; times in seconds.

    Attributes:
        latency_ms: Its chunk latency.
        step: Duration of a chunk: its audio pushed, its step computed.
        real_time_factor: Time for a second of audio, the mean of all chunks.
        processor_factor: Processor time of all threads for a second of audio.
        tokens_per_second: Tokens for a second of audio.
        resident_bytes: Resident memory of the process afterwards.
    """

    latency_ms: int
    step: Spread
    real_time_factor: float
    processor_factor: float
    tokens_per_second: float
    resident_bytes: int

    @classmethod
    def of(cls, latency_ms: int, parts: list[ChunkTimes]) -> OneStreamFigures:
        """The figures of all parts of a measurement."""
        seconds = [value for part in parts for value in part.seconds]
        audio = len(seconds) * latency_ms / 1000
        return cls(
            latency_ms,
            Spread.of(seconds),
            sum(seconds) / audio,
            sum(part.processor_seconds for part in parts) / audio,
            sum(part.tokens for part in parts) / audio,
            parts[-1].resident_bytes,
        )

    def __str__(self) -> str:
        return (
            f"step p50 {self.step.p50 * 1e3:.0f} p95 {self.step.p95 * 1e3:.0f} ms, "
            f"{self.real_time_factor:.2f} s for a second of audio"
        )


@dataclass(frozen=True, slots=True)
class OtherCheckout:
    """The same stream on the engine of another checkout, measured in turns with ours.

    Attributes:
        commit: The other checkout's.
        start: The start of its engine.
        figures: The stream.
        ratio: Their time for a second of audio over ours, the median of the turns.
        processor_ratio: The same of processor time, of all turns together.
    """

    commit: str
    start: EngineStart
    figures: OneStreamFigures
    ratio: float
    processor_ratio: float


@dataclass(frozen=True, slots=True)
class OneStreamResult:
    """What was measured of one stream at one latency.

    Attributes:
        start: The start of its engine.
        figures: The stream.
        against: The same of another checkout; None without one.
    """

    start: EngineStart
    figures: OneStreamFigures
    against: OtherCheckout | None = None

    def record(self) -> dict[str, Any]:
        """The result as a part of a record of `auricle bench engine`."""
        one = {"one_stream": {"start": asdict(self.start), **asdict(self.figures)}}
        return one if self.against is None else {**one, "against": asdict(self.against)}

    def __str__(self) -> str:
        text = f"{self.figures.latency_ms} ms, one stream: {self.figures}"
        if self.against is None:
            return text
        return f"{text}; commit {self.against.commit}: {self.against.figures}, {self.against.ratio:.2f} times ours"


@dataclass(frozen=True, slots=True, kw_only=True)
class OneStreamOptions:
    """What to measure.

    Attributes:
        model: A model as `load_checkpoint` takes it.
        dtype: As `--dtype` takes it.
        threads: Threads of PyTorch.
        latencies_ms: Chunk latencies; empty means all latencies of the model.
        against: Another checkout of Auricle to measure in turns.
    """

    model: str
    dtype: str
    threads: int
    latencies_ms: tuple[int, ...] = ()
    against: Path | None = None


def measure_one_stream(options: OneStreamOptions, log: Log) -> Iterator[OneStreamResult]:
    """Yields the result of each latency.

    Raises:
        EngineProcessFailed: An engine could not be built.
        ValueError: `against` is no checkout.
    """
    with ExitStack() as stack:
        ours = stack.enter_context(_process(options, None, log))
        theirs = stack.enter_context(_process(options, options.against, log)) if options.against else None
        for latency_ms in options.latencies_ms or ours.start.latencies_ms:
            chunks = max(CHUNKS, round(SECONDS * 1000 / latency_ms))
            if theirs is None or options.against is None:
                figures = OneStreamFigures.of(latency_ms, [ours.measure(latency_ms, chunks=chunks)])
                result = OneStreamResult(ours.start, figures)
            else:
                result = _in_turns(ours, theirs, latency_ms, -(-chunks // TURNS), commit(options.against))
            log(str(result))
            yield result


def _process(options: OneStreamOptions, checkout: Path | None, log: Log) -> EngineProcess:
    log(f"starting an engine in a process of its own: {checkout or 'this checkout'}, {options.dtype}")
    process = EngineProcess(options.model, dtype=options.dtype, threads=options.threads, slots=1, checkout=checkout)
    start = process.start
    phases = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in start.phase_seconds.items())
    memory = f"{start.resident_bytes / 1e9:.2f} GB resident, {start.peak_bytes / 1e9:.2f} GB at the peak"
    kind = f"{start.weights or start.dtype}, {start.isa}, {start.threads} threads"
    log(f"ready after {start.start_seconds:.1f} s ({phases}): {kind}, {memory}")
    return process


def _in_turns(
    ours: EngineProcess, theirs: EngineProcess, latency_ms: int, chunks: int, their_commit: str
) -> OneStreamResult:
    turns: list[tuple[ChunkTimes, ChunkTimes]] = []
    for number in range(TURNS):
        # Who comes first alternates: other work on the machine that grows or fades favours neither.
        order = (ours, theirs) if number % 2 == 0 else (theirs, ours)
        times = [side.measure(latency_ms, chunks=chunks) for side in order]
        turns.append((times[0], times[1]) if number % 2 == 0 else (times[1], times[0]))
    own, other = (OneStreamFigures.of(latency_ms, [turn[side] for turn in turns]) for side in (0, 1))
    ratio = statistics.median(sum(second.seconds) / sum(first.seconds) for first, second in turns)
    processor_ratio = other.processor_factor / own.processor_factor
    return OneStreamResult(ours.start, own, OtherCheckout(their_commit, theirs.start, other, ratio, processor_ratio))

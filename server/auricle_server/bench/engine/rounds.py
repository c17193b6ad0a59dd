"""Compares engines in rounds: one chunk of each of N streams is computed, and N grows until a round takes too long.

NeMo's pipeline takes the chunks of all its streams at once and has no streams in different phases. So the criterion for
both sides is: all streams have a chunk at the same moment, and p99 of the rounds is shorter than a chunk.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from auricle_server.audio_batch import AudioBatch
from auricle_server.bench.clips import PACKET_SAMPLES, SAMPLE_RATE, Speakers
from auricle_server.bench.engine.clocks import STOPWATCHES
from auricle_server.bench.report.summaries import Spread
from auricle_server.bench.search import largest
from auricle_server.engine.engine import Engine

Pcm = npt.NDArray[np.int16]


class Side(Protocol):
    """One side of a comparison: an engine with a fixed number of live streams."""

    name: str

    def round(self, chunks: Pcm) -> None:
        """Computes one chunk of every stream, [streams, samples], before it returns."""
        ...

    def close(self) -> None:
        """Ends its streams."""
        ...


MakeSide = Callable[[int, int], Side]
"""Makes a side for a number of streams and a batch size."""

WARM_UP = 3
"""Rounds that are not measured."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """The capacity of one side.

    Attributes:
        name: Name of the side.
        streams: The largest number of streams tried with p99 of the rounds below a chunk; 0 when not even one.
        batch: The best batch size tried.
        round: Duration of a round with that many streams (at least one), seconds.
        tried: Streams, batch, p50 and p99 of everything tried.
    """

    name: str
    streams: int
    batch: int
    round: Spread
    tried: tuple[tuple[int, int, float, float], ...]


class EngineSide:
    """Auricle's engine as a side of the comparison."""

    name = "Auricle"

    def __init__(self, engine: Engine, streams: int, latency_ms: int) -> None:
        self._engine = engine
        leases = [engine.open(latency_ms, engine.info.default_language) for _ in range(streams)]
        self._leases = leases
        self._slots = np.array([lease.slot for lease in leases], np.int32)
        self._ids = np.array([lease.id for lease in leases], np.int64)
        self.tokens: list[list[int]] = [[] for _ in leases]
        self._row_of = {lease.slot: row for row, lease in enumerate(leases)}

    def round(self, chunks: Pcm) -> None:
        """See `Side.round`."""
        lengths = np.full(len(chunks), chunks.shape[1], np.int32)
        self._engine.push_batch(AudioBatch(self._slots, self._ids, lengths, chunks.reshape(-1)))
        while self._engine.ready:
            results, at = self._engine.step(), 0
            for slot, count in zip(results.slots.tolist(), results.counts.tolist(), strict=True):
                if count:
                    self.tokens[self._row_of[slot]] += results.tokens[at : at + count].tolist()
                at += count

    def close(self) -> None:
        """Releases the slots."""
        for lease in self._leases:
            self._engine.close(lease)


def time_in_turns(sides: Sequence[Side], streams: int, latency_ms: int, rounds: int, stopwatch: str) -> list[Spread]:
    """Duration of a round of each side in seconds, over `rounds` rounds after `WARM_UP` unmeasured ones.

    Each round is computed by one side after the other, so that what disturbs the machine disturbs all of them.
    """
    speakers, watch = Speakers(streams), STOPWATCHES[stopwatch]
    seconds: list[list[float]] = [[] for _ in sides]
    packets = round(latency_ms / 1000 * SAMPLE_RATE) // PACKET_SAMPLES
    rows = np.arange(streams)
    for number in range(WARM_UP + rounds):
        parts = [speakers.packet(rows, number * packets + packet).reshape(streams, -1) for packet in range(packets)]
        chunks = np.concatenate(parts, 1)
        for side, durations in zip(sides, seconds, strict=True):
            began = watch()
            side.round(chunks)
            durations.append(watch() - began)
    for side in sides:
        side.close()
    return [Spread.of(durations[WARM_UP:]) for durations in seconds]


def capacity(
    make: MakeSide, latency_ms: int, *, start: int, most: int, batches: Sequence[int], rounds: int, stopwatch: str
) -> Capacity:
    """Searches the largest number of streams: with the first batch size, then again with the fastest one.

    Args:
        make: Makes the side.
        latency_ms: Chunk latency of all streams.
        start: The first number of streams to try.
        most: The largest number of streams to try.
        batches: Batch sizes to choose from.
        rounds: Measured rounds for each number of streams.
        stopwatch: Key of `STOPWATCHES`.
    """
    trials = _Trials(make, latency_ms, rounds, stopwatch)
    best = batches[0]
    found = largest(lambda streams: trials.holds(streams, best), start=start, most=most)
    others = {batch: trials.median(max(found, 1), batch) for batch in batches if batch <= max(found, 1)}
    if others and min(others, key=others.__getitem__) != best:
        chosen = min(others, key=others.__getitem__)
        again = largest(lambda streams: trials.holds(streams, chosen), start=max(found, 1), most=most)
        best, found = (chosen, again) if again >= found else (best, found)
    return trials.capacity(found, best)


class _Trials:
    """Measurements by number of streams and batch size."""

    def __init__(self, make: MakeSide, latency_ms: int, rounds: int, stopwatch: str) -> None:
        self._make, self._latency_ms, self._rounds, self._stopwatch = make, latency_ms, rounds, stopwatch
        self._spreads: dict[tuple[int, int], Spread] = {}
        self._name = ""

    def _spread(self, streams: int, batch: int) -> Spread:
        key = streams, min(batch, streams)
        if key not in self._spreads:
            side = self._make(*key)
            self._name = side.name
            (self._spreads[key],) = time_in_turns([side], streams, self._latency_ms, self._rounds, self._stopwatch)
        return self._spreads[key]

    def holds(self, streams: int, batch: int) -> bool:
        """Whether p99 of the rounds is below a chunk."""
        return self._spread(streams, batch).p99 < self._latency_ms / 1000

    def median(self, streams: int, batch: int) -> float:
        """Median duration of a round, seconds."""
        return self._spread(streams, batch).p50

    def capacity(self, streams: int, batch: int) -> Capacity:
        """The result of the search."""
        spread = self._spread(max(streams, 1), batch)
        tried = tuple((*key, value.p50, value.p99) for key, value in sorted(self._spreads.items()))
        return Capacity(self._name, streams, min(batch, max(streams, 1)), spread, tried)


def ratio(ours: Capacity, theirs: Capacity) -> float:
    """Streams of our side divided by streams of the other side.

    When the other side does not sustain one stream, the ratio of their chunks per second, each side at its best number
    of streams.
    """
    if theirs.streams and ours.streams:
        return ours.streams / theirs.streams
    return chunks_per_second(ours) / chunks_per_second(theirs) if ours.tried and theirs.tried else math.nan


def chunks_per_second(side: Capacity) -> float:
    """Most chunks per second of a side, of all numbers of streams and batch sizes that were tried."""
    return max(streams / p50 for streams, _, p50, _ in side.tried)

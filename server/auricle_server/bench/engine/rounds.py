"""Two engines side by side: how long one chunk of each of N streams takes, and the largest N for which it is in time.

Other engines know no streams in different phases, so this is the criterion that suits them: all streams have a chunk
at once, and all must be done before the next one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from auricle_server.audio_batch import AudioBatch
from auricle_server.bench.clips import SAMPLE_RATE
from auricle_server.bench.engine.audio_packets import PACKET_SAMPLES, Speakers
from auricle_server.bench.engine.clocks import STOPWATCHES
from auricle_server.bench.engine.contender import Side
from auricle_server.bench.engine.search import largest
from auricle_server.bench.report.summaries import Spread
from auricle_server.engine.engine import Engine

Pcm = npt.NDArray[np.int16]
MakeSide = Callable[[int, int], Side]
"""From streams and batch to a side."""

WARM_UP = 3
"""Rounds that are not measured."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """What a side holds.

    Attributes:
        name: Of the side.
        streams: The largest number tried whose p99 round took less than a chunk.
        batch: Its best batch of those tried.
        round: Seconds of a round at that number; of one stream where not even one holds.
        tried: Every number tried with its p50 and p99.
    """

    name: str
    streams: int
    batch: int
    round: Spread
    tried: tuple[tuple[int, int, float, float], ...]


class EngineSide:
    """Our engine, fed in rounds."""

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
        """One chunk of every stream, [streams, samples]."""
        lengths = np.full(len(chunks), chunks.shape[1], np.int32)
        self._engine.push_batch(AudioBatch(self._slots, self._ids, lengths, chunks.reshape(-1)))
        while self._engine.ready:
            results, at = self._engine.step(), 0
            for slot, count in zip(results.slots.tolist(), results.counts.tolist(), strict=True):
                if count:
                    self.tokens[self._row_of[slot]] += results.tokens[at : at + count].tolist()
                at += count

    def close(self) -> None:
        """Gives the slots back."""
        for lease in self._leases:
            self._engine.close(lease)


def time_rounds(side: Side, streams: int, latency_ms: int, rounds: int, stopwatch: str) -> Spread:
    """Seconds of a round, over `rounds` of them after some that are not measured."""
    speakers, watch, seconds = Speakers(streams), STOPWATCHES[stopwatch], []
    packets = round(latency_ms / 1000 * SAMPLE_RATE) // PACKET_SAMPLES
    rows = np.arange(streams)
    for number in range(WARM_UP + rounds):
        parts = [speakers.packet(rows, number * packets + packet).reshape(streams, -1) for packet in range(packets)]
        chunks = np.concatenate(parts, 1)
        began = watch()
        side.round(chunks)
        seconds.append(watch() - began)
    side.close()
    return Spread.of(seconds[WARM_UP:])


def capacity(
    make: MakeSide, latency_ms: int, *, start: int, most: int, batches: Sequence[int], rounds: int, stopwatch: str
) -> Capacity:
    """Searches the largest number of streams: with the first batch, then again with the best of all.

    Args:
        make: Makes the side for a number of streams and a batch.
        latency_ms: Chunk of all streams.
        start: Where the search begins.
        most: Where it ends.
        batches: To choose from.
        rounds: Measured for each number.
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
    """Every number of streams and batch tried so far."""

    def __init__(self, make: MakeSide, latency_ms: int, rounds: int, stopwatch: str) -> None:
        self._make, self._latency_ms, self._rounds, self._stopwatch = make, latency_ms, rounds, stopwatch
        self._spreads: dict[tuple[int, int], Spread] = {}
        self._name = ""

    def _spread(self, streams: int, batch: int) -> Spread:
        key = streams, min(batch, streams)
        if key not in self._spreads:
            side = self._make(*key)
            self._name = side.name
            self._spreads[key] = time_rounds(side, streams, self._latency_ms, self._rounds, self._stopwatch)
        return self._spreads[key]

    def holds(self, streams: int, batch: int) -> bool:
        """Whether a round is done before the next chunk."""
        return self._spread(streams, batch).p99 < self._latency_ms / 1000

    def median(self, streams: int, batch: int) -> float:
        """Seconds of a round."""
        return self._spread(streams, batch).p50

    def capacity(self, streams: int, batch: int) -> Capacity:
        """The outcome."""
        spread = self._spread(max(streams, 1), batch)
        tried = tuple((*key, value.p50, value.p99) for key, value in sorted(self._spreads.items()))
        return Capacity(self._name, streams, min(batch, max(streams, 1)), spread, tried)


def ratio(ours: Capacity, theirs: Capacity) -> float:
    """How many times the streams of the other side ours holds.

    Where theirs does not hold even one in time, how many times its chunks per second, each side at the number of
    streams at which it makes the most of them.
    """
    if theirs.streams and ours.streams:
        return ours.streams / theirs.streams
    return _throughput(ours) / _throughput(theirs) if ours.tried and theirs.tried else math.nan


def _throughput(side: Capacity) -> float:
    """Chunks per second."""
    return max(streams / p50 for streams, _, p50, _ in side.tried)

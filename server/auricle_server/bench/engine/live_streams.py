"""Live streams on an engine: packets on a virtual clock, and how long results take from when they could come."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from auricle_server.audio_batch import AudioBatch
from auricle_server.bench.engine.audio_packets import PACKET_SAMPLES, PACKET_SECONDS, PHASES, Speakers
from auricle_server.bench.engine.clocks import VirtualClock
from auricle_server.bench.report.summaries import Spread, drift
from auricle_server.engine.engine import Engine
from auricle_server.engine.types import StepResults

DRIFT_SHARE = 0.1
"""Of a chunk, by which results may be later at the end of a run than at its beginning."""
HOPELESS_CHUNKS = 6.0
"""A stream that is so many chunks behind ends the run: it will not catch up."""


@dataclass(slots=True)
class _Costs:
    """Measured while the run holds; seconds."""

    waits: list[npt.NDArray[np.float64]] = field(default_factory=list)
    steps: list[float] = field(default_factory=list)
    calls: list[float] = field(default_factory=list)
    pushes: list[float] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class LiveFigures:
    """What a run of `streams` live streams measured; seconds.

    Attributes:
        streams: How many.
        chunk: Length of a chunk.
        held: Audio of each stream that was measured, the ramp dropped.
        wait: From the arrival of the audio that completes a row to its results.
        step: From the launch of a step to its results, as the engine says.
        call: What a call of `Engine.step` cost the host.
        push: What a call of `Engine.push_batch` cost it, with the making of the audio.
        rows: Of a step.
        busy: Share of the time in which there was something to do.
        drift: By how much results came later at the end than at the beginning.
        tokens_per_second: Of audio.
        hopeless: The run was broken off because streams fell ever farther behind.
    """

    streams: int
    chunk: float
    held: float
    wait: Spread
    step: Spread
    call: Spread
    push: Spread
    rows: Spread
    busy: float
    drift: float
    tokens_per_second: float
    hopeless: bool

    @property
    def sustained(self) -> bool:
        """Whether results keep up with the audio: p99 within a chunk, and no growing backlog."""
        return not self.hopeless and self.wait.p99 < self.chunk and self.drift < DRIFT_SHARE * self.chunk


class LiveRun:
    """Streams `speakers` through an engine on its own clock.

    Args:
        engine: Made with `clock`; has a free slot for every stream.
        clock: Costs are charged to it.
        speakers: The audio.
        streams: How many of them speak.
        latency_ms: Chunk latency of all.
    """

    def __init__(self, engine: Engine, clock: VirtualClock, speakers: Speakers, streams: int, latency_ms: int) -> None:
        self._engine, self._clock, self._speakers = engine, clock, speakers
        self._chunk = latency_ms / 1000
        self._leases = [engine.open(latency_ms, engine.info.default_language) for _ in range(streams)]
        self._slots = np.array([lease.slot for lease in self._leases], np.int32)
        self._ids = np.array([lease.id for lease in self._leases], np.int64)
        self._row_of = np.zeros(engine.info.slots + 1, np.int64)
        self._row_of[self._slots] = np.arange(streams)
        self._began = clock.now + self._phases(streams)
        self._tick = 0
        self._first = clock.now
        self._costs = _Costs()
        self.tokens: list[list[int]] = [[] for _ in range(streams)]

    def _phases(self, streams: int) -> npt.NDArray[np.float64]:
        """When each stream begins to speak: spread over a chunk, on the grid of ticks."""
        ticks = round(self._chunk / PACKET_SECONDS) * PHASES
        tick: npt.NDArray[np.float64] = np.arange(streams, dtype=np.float64) % ticks
        return tick * (PACKET_SECONDS / PHASES)

    def run(self, ramp: float, hold: float) -> LiveFigures:
        """Runs for `ramp` seconds of audio, then measures `hold` seconds, and closes the streams."""
        hopeless = self._until(self._first + self._chunk + ramp)
        self._costs, idle, began = _Costs(), self._clock.idle, self._clock.now
        tokens = sum(map(len, self.tokens))
        hopeless = hopeless or self._until(began + hold)
        passed = max(self._clock.now - began, 1e-9)
        busy = 1 - (self._clock.idle - idle) / passed
        rate = (sum(map(len, self.tokens)) - tokens) / (passed * len(self._leases))
        for lease in self._leases:
            self._engine.close(lease)
        while self._engine.ready:
            self._engine.step()
        return self._figures(passed, busy, rate, hopeless)

    def _figures(self, held: float, busy: float, rate: float, hopeless: bool) -> LiveFigures:
        costs = self._costs
        waits = np.concatenate(costs.waits) if costs.waits else np.zeros(0)
        return LiveFigures(
            streams=len(self._leases),
            chunk=self._chunk,
            held=held,
            wait=Spread.of(waits),
            step=Spread.of(costs.steps),
            call=Spread.of(costs.calls),
            push=Spread.of(costs.pushes),
            rows=Spread.of(costs.rows),
            busy=busy,
            drift=drift(waits),
            tokens_per_second=rate,
            hopeless=hopeless,
        )

    def _until(self, end: float) -> bool:
        """Lives until then; True when the streams are hopelessly behind."""
        while self._clock.now < end:
            self._deliver()
            behind = self._clock.now - self._due
            if self._engine.ready:
                behind = max(behind, self._step())
            elif behind < 0:
                self._clock.leap(self._due)
            if behind > HOPELESS_CHUNKS * self._chunk:
                return True
        return False

    @property
    def _due(self) -> float:
        """When the next packets arrive."""
        return self._first + self._tick * PACKET_SECONDS / PHASES

    def _deliver(self) -> None:
        """Pushes all packets that have arrived by now, at once; what comes meanwhile waits for its turn.

        Making the audio is charged as well as handing it over, for a device may compute meanwhile.
        """
        if self._due > self._clock.now:
            return
        with self._clock.charged() as cost:
            rows, numbers = self._arrived(self._clock.now)
            lengths = np.full(len(rows), PACKET_SAMPLES, np.int32)
            pcm = self._speakers.packet(rows, numbers)
            self._engine.push_batch(AudioBatch(self._slots[rows], self._ids[rows], lengths, pcm))
        self._costs.pushes += cost

    def _arrived(self, now: float) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Streams and numbers of the packets up to `now`, in the order in which they came."""
        rows, numbers = [], []
        while self._due <= now:
            speaking = (self._tick - np.arange(len(self._slots))) % PHASES == 0
            row = np.flatnonzero(speaking & (self._began <= self._due + 1e-9))
            rows.append(row)
            numbers.append(np.rint((self._due - self._began[row]) / PACKET_SECONDS).astype(np.int64))
            self._tick += 1
        return np.concatenate(rows), np.concatenate(numbers)

    def _step(self) -> float:
        """One step of the engine; the longest wait of its rows."""
        with self._clock.charged() as cost:
            results = self._engine.step()
        self._costs.calls += cost
        if results.computed:
            self._costs.steps.append(results.seconds)
            self._costs.rows.append(results.computed)
        if not len(results):
            return 0.0
        rows = self._row_of[results.slots]
        packets = np.ceil(results.samples / PACKET_SAMPLES)
        waits = self._clock.now - (self._began[rows] + (packets - 1) * PACKET_SECONDS)
        self._costs.waits.append(waits)
        self._keep(rows, results)
        return float(waits.max())

    def _keep(self, rows: npt.NDArray[np.int64], results: StepResults) -> None:
        ends = np.cumsum(results.counts)
        for index in np.flatnonzero(results.counts):
            self.tokens[rows[index]] += results.tokens[ends[index] - results.counts[index] : ends[index]].tolist()


def alone(engine: Engine, speakers: Speakers, row: int, latency_ms: int, samples: int) -> list[int]:
    """Tokens of one stream that has an engine to itself, over its first samples."""
    lease = engine.open(latency_ms, engine.info.default_language)
    engine.push(lease, speakers.audio(row, samples))
    tokens: list[int] = []
    while engine.ready:
        tokens += engine.step().tokens.tolist()
    engine.close(lease)
    return tokens

"""Live streams on an engine: packets arrive on a virtual clock, and the wait for each result is measured.

The wait runs from the arrival of the packet that completes a chunk to the results of that chunk. Time is virtual
(`VirtualClock`): the engine's cost is charged to the clock, and idle time is skipped.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from auricle_server.audio_batch import AudioBatch
from auricle_server.bench.clips import PACKET_SAMPLES, PACKET_SECONDS, PHASES, Speakers
from auricle_server.bench.engine.clocks import VirtualClock
from auricle_server.bench.report.summaries import Spread, drift
from auricle_server.engine.engine import Engine
from auricle_server.engine.types import StepResults

DRIFT_SHARE = 0.1
"""Share of a chunk by which results may be later at the end of a run than at its start."""
HOPELESS_CHUNKS = 6.0
"""The run stops when a stream is so many chunks late: it does not catch up."""


@dataclass(slots=True)
class _Costs:
    """Costs in seconds, measured after the ramp."""

    waits: list[npt.NDArray[np.float64]] = field(default_factory=list)
    steps: list[float] = field(default_factory=list)
    calls: list[float] = field(default_factory=list)
    pushes: list[float] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class LiveFigures:
    """Measurements of a run of live streams; times in seconds.

    Attributes:
        streams: Number of streams.
        chunk: Length of a chunk.
        held: Measured audio of each stream, without the ramp.
        wait: From the arrival of the audio that completes a row to its results.
        step: From the launch of a step to its results, as the engine reports it.
        call: Cost of a call of `Engine.step` on the host.
        push: Cost of a call of `Engine.push_batch` and of making its audio.
        rows: Rows of a step.
        busy: Share of the time with work to do.
        drift: Growth of the wait from the start of the run to its end.
        tokens_per_second: Tokens per second of audio.
        hopeless: The run was stopped because the backlog grew; see `HOPELESS_CHUNKS`.
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
    """Runs the audio of `speakers` through an engine on a virtual clock.

    Args:
        engine: Built with `clock`; has a free slot for every stream.
        clock: Costs are charged to it.
        speakers: The audio.
        streams: Number of streams.
        latency_ms: Chunk latency of all streams.
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
        """Start time of each stream, spread evenly over a chunk on the grid of ticks."""
        # Speakers do not start together; in one phase the chunks of all would fall due at once.
        ticks = round(self._chunk / PACKET_SECONDS) * PHASES
        tick: npt.NDArray[np.float64] = np.arange(streams, dtype=np.float64) % ticks
        return tick * (PACKET_SECONDS / PHASES)

    @property
    def waits(self) -> npt.NDArray[np.float64]:
        """The wait of every row after the ramp, seconds, in the order of their results."""
        return np.concatenate(self._costs.waits) if self._costs.waits else np.zeros(0)

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
        waits = self.waits
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
        """Runs until `end`; True when the backlog is hopeless."""
        while self._clock.now < end:
            self._deliver()
            late = self._clock.now - self._due
            wait = self._engine.wait
            if wait == 0:
                late = max(late, self._step())
            elif late < 0:
                # As a worker does: until more audio comes, or a ready row has waited long enough for it.
                self._clock.leap(self._due if wait is None else min(self._due, self._clock.now + wait))
            if late > HOPELESS_CHUNKS * self._chunk:
                return True
        return False

    @property
    def _due(self) -> float:
        """Arrival time of the next packets."""
        return self._first + self._tick * PACKET_SECONDS / PHASES

    def _deliver(self) -> None:
        """Pushes all packets that have arrived by now in one call.

        The cost of making the audio is charged too: a device may compute in that time.
        """
        if self._due > self._clock.now:
            return
        with self._clock.charged() as cost:
            # Packets that arrived while a step ran come in one batch.
            rows, numbers = self._arrived(self._clock.now)
            lengths = np.full(len(rows), PACKET_SAMPLES, np.int32)
            pcm = self._speakers.packet(rows, numbers)
            self._engine.push_batch(AudioBatch(self._slots[rows], self._ids[rows], lengths, pcm))
        self._costs.pushes += cost

    def _arrived(self, now: float) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Rows and packet numbers of the packets up to `now`, in the order of their arrival."""
        rows, numbers = [], []
        while self._due <= now:
            speaking = (self._tick - np.arange(len(self._slots))) % PHASES == 0
            row = np.flatnonzero(speaking & (self._began <= self._due + 1e-9))
            rows.append(row)
            numbers.append(np.rint((self._due - self._began[row]) / PACKET_SECONDS).astype(np.int64))
            self._tick += 1
        return np.concatenate(rows), np.concatenate(numbers)

    def _step(self) -> float:
        """Runs one step of the engine and returns the longest wait of its rows."""
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
    """Tokens of the first `samples` samples of one stream that is alone in the engine."""
    lease = engine.open(latency_ms, engine.info.default_language)
    engine.push(lease, speakers.audio(row, samples))
    tokens: list[int] = []
    while engine.ready:
        tokens += engine.step().tokens.tolist()
    engine.close(lease)
    return tokens

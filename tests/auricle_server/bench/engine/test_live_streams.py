"""The simulated day: right waits, right words, and a verdict that can go either way."""

from __future__ import annotations

import numpy as np
import pytest

from auricle_server.bench.clips import PACKET_SAMPLES, Speakers
from auricle_server.bench.engine.clocks import VirtualClock
from auricle_server.bench.engine.live_streams import LiveRun, alone
from auricle_server.bench.transcripts import compare
from auricle_server.checkpoints import load_checkpoint
from auricle_server.engine.build import Hardware
from auricle_server.engine.engine import Engine
from auricle_server.engine.types import StepResults
from tests.support import tones


class Scripted(VirtualClock):
    """A stopwatch whose every reading is `cost` later than the one before."""

    def __init__(self, cost: float) -> None:
        super().__init__("wall")
        self._reading, self._cost = 0.0, cost
        self._watch = self._read

    def _read(self) -> float:
        self._reading += self._cost
        return self._reading


def engine(clock: VirtualClock, slots: int) -> Engine:
    return Engine(load_checkpoint(str(tones.CHECKPOINT)), slots=slots, hardware=Hardware("cpu"), threads=1, clock=clock)


def test_a_quick_engine_sustains_and_every_row_is_measured() -> None:
    clock = Scripted(1e-4)
    run = LiveRun(engine(clock, 10), clock, Speakers(10), 10, 80)
    figures = run.run(ramp=0.2, hold=0.8)
    assert figures.sustained
    assert figures.wait.count == pytest.approx(10 * 10, abs=12)
    assert 0 < figures.wait.p50 <= figures.wait.max < 0.02
    assert figures.busy < 0.5
    assert figures.push.p50 == pytest.approx(1e-4)


def test_a_slow_engine_does_not_and_the_run_is_broken_off() -> None:
    clock = Scripted(0.06)
    run = LiveRun(engine(clock, 10), clock, Speakers(10), 10, 80)
    figures = run.run(ramp=0.0, hold=30.0)
    assert not figures.sustained
    assert figures.hopeless
    assert figures.held < 25.0


def test_waits_begin_with_the_packet_that_completes_a_row() -> None:
    clock = Scripted(0.0)
    run = LiveRun(engine(clock, 3), clock, Speakers(3), 3, 80)
    clock.now = 5.0
    needed = 2 * 1280 + 200
    results = StepResults(
        slots=run._slots[:1],
        leases=run._ids[:1],
        samples=np.array([needed]),
        marks=np.array([-1]),
        ended=np.array([False]),
        counts=np.array([0], np.int32),
    )
    run._engine.step = lambda: results  # type: ignore[method-assign]
    packets = -(-needed // PACKET_SAMPLES)
    assert run._step() == pytest.approx(5.0 - (packets - 1) * 0.02)


def test_in_company_streams_hear_what_they_hear_alone() -> None:
    checkpoint, clock = load_checkpoint("demo"), VirtualClock("cpu")
    shared = Engine(checkpoint, slots=6, hardware=Hardware("cpu"), threads=1, clock=clock)
    run = LiveRun(shared, clock, Speakers(6), 6, 160)
    run.run(ramp=0.0, hold=3.0)
    lonely = [alone(shared, Speakers(6), row, 160, 3 * 16_000) for row in range(6)]
    agreement = compare(checkpoint.pieces, run.tokens, lonely)
    assert agreement.equal == agreement.streams == 6
    assert agreement.tokens > 20
    assert agreement.differing == 0

"""Calibration: on the real engine, and what it makes of engines that are fast, slow, and narrow."""

from __future__ import annotations

from itertools import count

import numpy as np
import pytest

from auricle_server.checkpoints import load_checkpoint
from auricle_server.engine import Engine, Lease
from auricle_server.engine.types import StepResults
from auricle_server.worker.admission import Admission
from auricle_server.worker.step_timing import calibrate
from tests.auricle_server.fake_engine import FakeEngine
from tests.support.tones import CHECKPOINT


class Timed(FakeEngine):
    """Steps take a time of their own, on a clock of their own."""

    def __init__(self, slots: int, per_row: float, most_rows: int = 1 << 30) -> None:
        super().__init__(slots)
        self.now = 0.0
        self.largest = 0
        self._per_row = per_row
        self._most_rows = most_rows

    def push(self, lease: Lease, pcm: np.ndarray[tuple[int], np.dtype[np.int16]]) -> None:
        stream = self._stream(lease)
        stream.audio = np.concatenate((stream.audio, pcm))

    def step(self) -> StepResults:
        held = list(self._streams.items())
        self._streams = dict([each for each in held if each[1].due() is not None][: self._most_rows])
        results = super().step()
        self._streams = dict(held)
        self.now += 0.002 + self._per_row * results.computed
        self.largest = max(self.largest, results.computed)
        return results


def test_a_fast_engine_is_measured_up_to_its_last_slot() -> None:
    engine = Timed(64, per_row=0.0001)
    calibration = calibrate(engine.as_engine(), lambda: engine.now)
    assert {step.rows for step in calibration.steps if step.latency_ms == 160} == {1, 4, 16, 64}
    assert calibration.most_rows == {}
    assert engine.slots_used == 0
    admission = Admission(engine.info.latencies_ms, 0.8, calibration)
    assert admission.capacity(80, 10_000) == pytest.approx((0.064 - 0.002) / 0.0001, rel=0.02)


def test_a_slow_engine_is_measured_no_further_than_it_will_go() -> None:
    engine = Timed(4096, per_row=0.01)
    calibrate(engine.as_engine(), lambda: engine.now)
    assert engine.largest == 16
    assert engine.now < 1.0


def test_the_widest_step_is_found() -> None:
    engine = Timed(64, per_row=0.0001, most_rows=12)
    calibration = calibrate(engine.as_engine(), lambda: engine.now)
    assert calibration.most_rows == {80: 12, 160: 12}


def test_the_real_engine_is_measured_and_left_as_it_was() -> None:
    engine = Engine(load_checkpoint(str(CHECKPOINT)), slots=8, device="cpu", threads=1)
    engine.warm_up()
    readings = count()
    calibration = calibrate(engine, lambda: next(readings) / 1000)  # a busy machine's steps would end it early
    assert {step.latency_ms for step in calibration.steps} == set(engine.info.latencies_ms)
    assert {step.rows for step in calibration.steps if step.latency_ms == 1120} == {1, 4, 8}
    assert all(step.seconds == pytest.approx(0.001) for step in calibration.steps)
    assert (engine.slots_used, engine.ready) == (0, 0)

from __future__ import annotations

import numpy as np
import pytest

from auricle_server.bench.fleet.timed_engine import Silence, SimulatedClock, timed_engine
from auricle_server.bench.sizing.step_times import Basis, StepTimes
from auricle_server.worker.admission import Admission
from auricle_server.worker.factory import model_info
from auricle_server.worker.step_timing import calibrate

CPU = StepTimes(160, (1, 8), (0.010, 0.024), 8, Basis.MEASURED, "a test", on_gpu=False)
CHUNK = 2 * 1280


def test_a_step_takes_its_time_on_the_virtual_clock_and_none_besides() -> None:
    clock = SimulatedClock()
    engine = timed_engine(CPU, 4, clock, large=False)
    leases = [engine.open(160, engine.info.default_language) for _ in range(3)]
    for lease in leases:
        engine.push(lease, np.zeros(CHUNK, np.int16))
    assert engine.wait == 0.0
    results = engine.step()
    assert results.computed == 3
    assert clock.now == results.seconds == pytest.approx(CPU.of(3))
    assert engine.wait is None


def test_on_a_gpu_the_next_batch_is_assembled_while_one_is_computed() -> None:
    clock = SimulatedClock()
    gpu = StepTimes(160, (1, 8), (0.010, 0.024), 8, Basis.ARITHMETIC, "a test")
    engine = timed_engine(gpu, 4, clock)
    lease = engine.open(160, engine.info.default_language)
    engine.push(lease, np.zeros(CHUNK, np.int16))
    assert engine.step().computed == 0
    assert clock.now == 0.0
    assert engine.step().computed == 1
    assert clock.now == pytest.approx(0.010)


def test_the_servers_own_calibration_finds_the_step_times_again() -> None:
    clock = SimulatedClock()
    engine = timed_engine(CPU, 64, clock, large=False)
    calibration = calibrate(engine, clock)
    assert {step.rows for step in calibration.steps} >= {1, 4}
    for step in calibration.steps:
        assert step.seconds == pytest.approx(CPU.of(step.rows))
    assert calibration.most_rows == {160: 8}
    own = Admission((160,), 0.8, calibration).capacity(160, 1000)
    assert own == pytest.approx(Admission((160,), 0.8, CPU.calibration).capacity(160, 1000), rel=0.05)


def test_it_offers_the_latency_that_is_simulated() -> None:
    engine = timed_engine(StepTimes(320, (1,), (0.01,), 4, Basis.ARITHMETIC, "a test"), 2, SimulatedClock())
    assert model_info(engine).latencies_ms == (320,)


def test_silence_is_as_long_as_speech() -> None:
    packets = Silence().packet(np.arange(3), 7)
    assert len(packets) == 3 * 320
    assert not packets.any()

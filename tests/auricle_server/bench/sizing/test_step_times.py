from __future__ import annotations

import pytest

from auricle_server.bench.gpu.arithmetic import floor_seconds, step_work
from auricle_server.bench.gpu.paper import H200
from auricle_server.bench.models.shapes import SHAPES
from auricle_server.bench.sizing.gpus import GPUS
from auricle_server.bench.sizing.step_times import Basis, from_records, from_roofline
from tests.auricle_server.bench.sizing.records import engine_figures, gpu_record, steps_figures

EN = SHAPES["en"]


def test_the_roofline_is_the_floor_over_the_efficiency() -> None:
    times = from_roofline(GPUS["H200"], EN, 80, 0.5)
    assert times.most_rows == times.rows[-1] == 2048
    assert times.of(2048) == pytest.approx(2 * floor_seconds(step_work(EN, 1, 2048), H200))
    assert times.basis is Basis.ARITHMETIC
    assert list(times.seconds) == sorted(times.seconds)
    assert "50%" in times.source
    assert from_roofline(GPUS["H200"], EN, 1120, 1.0).most_rows == 4096 // 14


def test_records_of_steps_give_the_times_and_those_of_the_engine_the_streams() -> None:
    steps = gpu_record("steps", steps_figures(1, {2048: 0.02, 1: 0.001, 256: 0.003}))
    engine = gpu_record("engine", engine_figures(80, 6000))
    times = from_records([engine, steps], EN, 80)
    assert times is not None
    assert times.basis is Basis.MEASURED
    assert (times.rows, times.seconds) == ((1, 256, 2048), (0.001, 0.003, 0.02))
    assert (times.sustained, times.most_rows, times.on_gpu) == (6000, 2048, True)
    assert times.of(1) == 0.001
    assert 0.003 < times.of(1000) < 0.02
    assert "NVIDIA H200" in times.source


def test_without_steps_the_engines_own_rounds_give_the_times() -> None:
    times = from_records([gpu_record("engine", engine_figures(80, 6000))], EN, 80)
    assert times is not None
    assert (times.rows, times.seconds) == ((100, 400), (0.002, 0.004))
    # Beyond what was measured the last slope goes on.
    assert times.of(700) == pytest.approx(0.006)


def test_records_of_another_latency_or_of_an_experiment_tell_nothing() -> None:
    assert from_records([gpu_record("engine", engine_figures(560, 9000))], EN, 80) is None
    fp8 = gpu_record("steps", steps_figures(1, {1: 0.001}) | {"fp8": ["rings"]})
    assert from_records([fp8], EN, 80) is None


def test_noise_never_makes_a_larger_step_shorter() -> None:
    noisy = gpu_record("steps", steps_figures(1, {1: 0.002, 8: 0.0015, 64: 0.003}))
    times = from_records([noisy], EN, 80)
    assert times is not None
    assert times.seconds == (0.002, 0.002, 0.003)
    # One size alone: more rows take more time in proportion.
    alone = from_records([gpu_record("steps", steps_figures(1, {8: 0.002}))], EN, 80)
    assert alone is not None
    assert (alone.of(1), alone.of(8), alone.of(16)) == (0.002, 0.002, 0.004)

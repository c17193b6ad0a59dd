from __future__ import annotations

from dataclasses import replace

import pytest

from auricle_server.bench.models.shapes import SHAPES
from auricle_server.bench.sizing.gpus import GPUS
from auricle_server.bench.sizing.step_times import Basis, StepTimes, from_roofline
from auricle_server.bench.sizing.worker_capacity import worker_capacity
from auricle_server.worker.admission import Admission

TIMES = StepTimes(80, (1, 100), (0.002, 0.012), 128, Basis.MEASURED, "a test")


def test_it_is_what_the_servers_admission_takes_one_by_one() -> None:
    times = from_roofline(GPUS["L40S"], SHAPES["en"], 160, 0.5)
    admission = Admission((160,), 0.8, times.calibration)
    taken = 0
    while admission.fits(160):
        admission.add(160)
        taken += 1
    assert worker_capacity(times, 1 << 20).by_time == taken


def test_memory_and_what_a_bench_held_bound_it() -> None:
    free = worker_capacity(TIMES, 1 << 20)
    assert free.streams == free.by_time > 100
    assert worker_capacity(TIMES, 50).streams == 50
    # Time alone is told even where memory ends earlier.
    assert worker_capacity(TIMES, 50).by_time == free.by_time
    assert worker_capacity(replace(TIMES, sustained=100), 1 << 20).streams == 80
    assert worker_capacity(replace(TIMES, sustained=1), 1 << 20).streams == 1
    assert worker_capacity(replace(TIMES, sustained=0), 1 << 20).streams == 0


@pytest.mark.parametrize("slots", [0, 10])
def test_a_worker_that_cannot_keep_up_takes_none(slots: int) -> None:
    slow = StepTimes(80, (1,), (0.1,), 1, Basis.MEASURED, "a test")
    assert worker_capacity(slow, slots).streams == 0

"""Workload: every second that a worker spends is charged to a step, once."""

from __future__ import annotations

import pytest

from auricle_server.ipc.messages import StepSample
from auricle_server.model_info import ModelInfo
from auricle_server.worker.admission import Admission
from auricle_server.worker.load_stats import LoadStats

INFO = ModelInfo("m", ("▁a",), (80, 160), 80, ("en-US",), "en-US", 0.08, 4)


def test_a_step_is_charged_with_all_that_was_spent_since_the_one_before() -> None:
    workload = LoadStats(INFO, 10.0)
    workload.resume(10.0)
    workload.pause(10.002)  # a tick that only took audio
    workload.resume(10.5)
    first = workload.add_step(2, 3, 0.01, 10.512)
    assert first is not None
    assert (first.latency_ms, first.rows) == (160, 3)
    assert first.seconds == pytest.approx(0.014)
    workload.pause(10.513)  # publishing
    workload.resume(10.6)
    second = workload.add_step(1, 1, 0.01, 10.61)
    assert second is not None
    assert (second.latency_ms, second.rows) == (80, 1)
    assert second.seconds == pytest.approx(0.011)


def test_rows_of_several_chunks_say_nothing_of_a_live_steps_cost() -> None:
    workload = LoadStats(INFO, 10.0)
    assert workload.add_step(56, 1, 0.05, 10.1) is None
    workload.resume(10.2)
    measured = workload.add_step(1, 1, 0.01, 10.21)
    assert measured is not None
    assert measured.seconds == pytest.approx(0.01)


def test_a_report_covers_the_time_since_the_last() -> None:
    workload, admission = LoadStats(INFO, 10.0), Admission((80, 160), 0.8)
    workload.resume(10.0)
    workload.add_step(1, 2, 0.25, 10.25)
    workload.pause(10.5)
    stats = workload.report(admission, 3, 11.0)
    assert stats.busy == pytest.approx(0.5)
    assert (stats.slots_used, stats.full) == (3, False)
    assert stats.steps == (StepSample(80, 2, 0.25),)
    later = workload.report(admission, 4, 12.0)
    assert (later.busy, later.full, later.steps) == (0.0, True, ())

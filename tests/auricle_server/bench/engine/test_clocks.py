from __future__ import annotations

import pytest

from auricle_server.bench.engine import clocks
from auricle_server.bench.engine.clocks import STOPWATCHES, VirtualClock


def test_only_charged_costs_and_leaps_advance_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    readings = iter([10.0, 10.5, 20.0, 20.25])
    monkeypatch.setitem(clocks.STOPWATCHES, "wall", lambda: next(readings))
    clock = VirtualClock("wall")
    with clock.charged() as cost:
        pass
    assert (clock(), cost) == (0.5, [0.5])
    clock.leap(2.0)
    assert (clock.now, clock.idle) == (2.0, 1.5)
    with clock.charged():
        pass
    clock.leap(1.0)  # in the past
    assert (clock.now, clock.idle) == (2.25, 1.5)


def test_cpu_time_counts_work_and_not_sleep() -> None:
    began = STOPWATCHES["cpu"]()
    sum(range(1_000_000))
    assert STOPWATCHES["cpu"]() - began > 0

from __future__ import annotations

import numpy as np
import pytest

from auricle_server.bench.report.summaries import Spread, drift


def test_spread_of_known_values() -> None:
    spread = Spread.of(np.arange(1, 102))
    assert (spread.p50, spread.p95, spread.p99, spread.max, spread.count) == (51, 96, 100, 101, 101)


def test_nothing_measured_is_all_zero() -> None:
    assert Spread.of([]) == Spread(0, 0, 0, 0, 0)


def test_drift_is_last_fifth_against_first() -> None:
    assert drift([1.0] * 20 + [5.0] * 60 + [3.0] * 20) == pytest.approx(2.0)
    assert drift([1.0, 2.0]) == 0.0

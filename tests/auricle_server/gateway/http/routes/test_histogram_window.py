"""Quantiles of what a histogram has counted lately."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram

from auricle_server.gateway.http.routes.histogram_window import WINDOW_SECONDS, HistogramWindow, counts_of

EDGES = (0.01, 0.02, 0.04)


def counts(*values: float) -> tuple[dict[float, float], float]:
    """A histogram with these values."""
    histogram = Histogram("seconds", "", ["chunk"], buckets=EDGES, registry=CollectorRegistry())
    for number, value in enumerate(values):
        histogram.labels(str(number % 2)).observe(value)
    (metric,) = histogram.collect()
    return counts_of(metric)


def test_counts_of_all_labels_are_added_up() -> None:
    found, total = counts(0.005, 0.015, 0.03, 9.0)
    assert found == {0.01: 1, 0.02: 2, 0.04: 3, math.inf: 4}
    assert total == pytest.approx(9.05)


def test_one_reading_says_nothing() -> None:
    window = HistogramWindow()
    assert (window.count, window.mean, window.quantile(0.5), window.seconds) == (0, None, None, 0.0)
    window.add(0.0, *counts(0.005))
    assert (window.count, window.mean, window.quantile(0.5), window.seconds) == (0, None, None, 0.0)


def test_quantiles_lie_in_their_buckets() -> None:
    window = HistogramWindow()
    window.add(0.0, *counts())
    window.add(1.0, *counts(*[0.005] * 50, *[0.015] * 50))
    assert window.count == 100
    assert window.quantile(0.25) == pytest.approx(0.005)
    assert window.quantile(0.5) == pytest.approx(0.01)
    assert window.quantile(0.75) == pytest.approx(0.015)
    assert window.quantile(1.0) == pytest.approx(0.02)
    assert window.mean == pytest.approx(0.01)


def test_beyond_the_last_edge_the_answer_is_that_edge() -> None:
    window = HistogramWindow()
    window.add(0.0, *counts())
    window.add(1.0, *counts(9.0, 9.0))
    assert window.quantile(0.5) == 0.04


def test_only_the_last_seconds_count() -> None:
    window = HistogramWindow()
    values: list[float] = []
    for second in range(30):
        values.append(0.005 if second < 15 else 0.03)
        window.add(float(second), *counts(*values))
    assert window.count == window.seconds == WINDOW_SECONDS
    assert (window.quantile(0.01) or 0.0) > 0.02
    for second in range(30, 42):
        window.add(float(second), *counts(*values))
    assert window.quantile(0.5) is None


def test_counts_that_begin_anew_are_no_negative_ones() -> None:
    window = HistogramWindow()
    window.add(0.0, *counts(0.005, 0.005))
    window.add(1.0, *counts(0.005))
    assert window.count == 0
    window.add(2.0, *counts(0.005, 0.015))
    assert window.count == 1


@given(st.lists(st.floats(0, 0.04), min_size=1), st.floats(0.01, 1))
def test_a_quantile_is_within_a_bucket_of_the_true_one(values: list[float], share: float) -> None:
    window = HistogramWindow()
    window.add(0.0, *counts())
    window.add(1.0, *counts(*values))
    true = sorted(values)[math.ceil(share * len(values)) - 1]
    found = window.quantile(share)
    assert found is not None
    edge = next(edge for edge in EDGES if true <= edge)
    below = max((each for each in EDGES if each < edge), default=0.0)
    assert below <= found <= edge + 1e-9

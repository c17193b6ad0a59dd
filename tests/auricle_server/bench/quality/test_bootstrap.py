"""Intervals of rates and of their differences."""

from __future__ import annotations

import numpy as np
import pytest

from auricle_server.bench.quality.bootstrap import error_rate, rate_difference


def test_the_rate_is_that_of_all_words_and_not_a_mean_of_rates() -> None:
    found = error_rate([1, 0], [1, 9])
    assert found is not None
    assert found.value == pytest.approx(10.0)


def test_without_words_there_is_no_rate() -> None:
    assert error_rate([], []) is None
    assert error_rate([2], [0]) is None
    assert rate_difference([], [], []) is None


def test_recordings_that_are_all_alike_leave_no_doubt() -> None:
    found = error_rate([1] * 50, [10] * 50)
    assert found is not None
    assert (found.low, found.high) == pytest.approx((10.0, 10.0))


def test_the_interval_covers_the_true_rate_in_about_95_of_100_samples() -> None:
    rng = np.random.default_rng(1)
    truth, covered = 0.2, 0
    for _ in range(200):
        words = rng.integers(3, 20, 120)
        found = error_rate(rng.binomial(words, truth), words)
        assert found is not None
        covered += found.low <= 100 * truth <= found.high
    assert 0.89 <= covered / 200 <= 0.99


def test_more_recordings_make_the_interval_narrower_and_it_is_the_same_each_time() -> None:
    rng = np.random.default_rng(2)
    few, many = rng.integers(0, 4, 40), rng.integers(0, 4, 4_000)
    wide, narrow = error_rate(few, np.full(40, 10)), error_rate(many, np.full(4_000, 10))
    assert wide is not None
    assert narrow is not None
    assert narrow.high - narrow.low < 0.2 * (wide.high - wide.low)
    assert error_rate(few, np.full(40, 10)) == wide


def test_a_paired_difference_is_clear_where_two_intervals_overlap() -> None:
    rng = np.random.default_rng(3)
    words = rng.integers(5, 15, 100)
    first = rng.binomial(words, rng.uniform(0, 0.6, 100))  # hard and easy recordings
    second = np.maximum(0, first - (rng.uniform(size=100) < 0.3))
    one, other, difference = error_rate(first, words), error_rate(second, words), rate_difference(first, second, words)
    assert one is not None
    assert other is not None
    assert difference is not None
    assert other.high > one.low
    assert difference.high < 0
    assert difference.value == pytest.approx(other.value - one.value)

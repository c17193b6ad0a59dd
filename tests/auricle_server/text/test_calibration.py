"""Word times and confidences from frames and tokens."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auricle_server.text.calibration import (
    PAUSE,
    RAW,
    SHORTEST,
    Timing,
    WordCalibration,
    geometric_mean,
    uncalibrated,
    word_times,
)

TIMING = Timing(0.16, 0.1)
WORDS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 6)), min_size=1, max_size=12)


def test_without_a_calibration_frames_and_tokens_speak_for_themselves() -> None:
    assert RAW.timing(80) is None
    assert word_times([(0.8, 0.96)], None, 5.0, 0.1) == [(0.8, 0.96)]
    assert RAW.word([0.9, 0.4]) == pytest.approx(0.6)


def test_words_start_and_end_before_their_tokens_come() -> None:
    [times] = word_times([(1.2, 1.76)], TIMING, 0.0, 9.0)
    assert times == pytest.approx((1.04, 1.66))


def test_words_that_are_close_touch_in_the_middle_and_a_pause_stays() -> None:
    close = word_times([(1.2, 1.76), (1.92, 2.4)], TIMING, 0.0, 9.0)
    assert close[0][1] == pytest.approx((1.66 + 1.76) / 2)
    assert close[1][0] == pytest.approx(1.76)
    apart = word_times([(1.2, 1.76), (1.76 + 0.2 + PAUSE, 3.0)], TIMING, 0.0, 9.0)
    assert apart[0][1] == pytest.approx(1.66)


def test_a_word_of_one_early_piece_lasts_a_while_before_a_pause() -> None:
    [(start, end)] = word_times([(1.2, 1.28)], TIMING, 0.0, 9.0)
    assert end - start == pytest.approx(SHORTEST)


@given(WORDS, st.floats(0, 2), st.floats(0, 0.4), st.floats(-0.1, 0.4), st.floats(0, 5))
def test_words_never_overlap_and_stay_in_the_stream(
    steps: list[tuple[int, int]], begins: float, start: float, end: float, room: float
) -> None:
    at, frames = 0, []
    for gap, length in steps:
        frames.append(((at + gap) * 0.08, (at + gap + length + 1) * 0.08))
        at += gap + length
    ends = begins + room
    times = word_times(frames, Timing(start, end), begins, ends)
    assert all(begins <= first <= last <= ends for first, last in times)
    assert all(before[1] <= after[0] for before, after in pairwise(times))


def test_delays_are_those_of_the_nearest_latency() -> None:
    calibration = WordCalibration(((80, 170.0, 100.0), (1120, 160.0, 95.0)))
    assert calibration.timing(160) == Timing(0.17, 0.1)
    assert calibration.timing(1000) == Timing(0.16, 0.095)


def test_a_model_that_nobody_has_measured_is_one_frame_late() -> None:
    calibration = uncalibrated(0.08)
    assert calibration.timing(560) == Timing(0.08, 0.08)
    assert calibration.confidence is not None


@given(st.lists(st.floats(1e-9, 1), min_size=1, max_size=5))
def test_confidence_is_a_probability(confidences: list[float]) -> None:
    calibration = WordCalibration(confidence=(8.0, -3.0))
    assert 0 < calibration.word(confidences) < 1
    assert geometric_mean(confidences) <= max(confidences) * (1 + 1e-9)


def test_platt_scaling_keeps_the_order() -> None:
    calibration = WordCalibration(confidence=(8.0, -3.0))
    assert calibration.word([0.2]) < calibration.word([0.4, 0.4]) < calibration.word([0.9])
    assert calibration.word([3 / 8]) == pytest.approx(0.5)
    assert math.isclose(calibration.word([1.0]), 1 / (1 + math.exp(-5)))

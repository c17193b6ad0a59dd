"""The yardsticks of words: alignment, calibration and talks."""

from __future__ import annotations

import numpy as np
import pytest

from tests.bench.words.measures import area, calibration_error, platt, quality, reliability, spread
from tests.bench.words.talks import plain


def test_words_are_compared_without_marks_and_case() -> None:
    assert [plain(word) for word in ("Don't,", "«Où", "J", "5%")] == ["don't", "où", "j", "5"]


def test_errors_have_no_sign() -> None:
    assert spread(np.array([-0.1, 0.1, 0.4])) == {"mean": 200.0, "median": 100.0, "p90": 340.0}


def test_a_perfect_score_and_a_useless_one() -> None:
    right = np.array([True] * 80 + [False] * 20)
    perfect = quality(right.astype(float), right)
    assert (perfect["ece"], perfect["auc"], perfect["brier"]) == (0.0, 1.0, 0.0)
    assert perfect["nce"] == pytest.approx(1.0, abs=1e-3)
    useless = quality(np.full(100, 0.8), right)
    assert [useless["ece"], useless["auc"], useless["nce"]] == pytest.approx([0, 0.5, 0])


def test_calibration_finds_the_function_that_made_the_words_right() -> None:
    rng = np.random.default_rng(0)
    scores = rng.uniform(0, 1, 40_000)
    right = rng.uniform(size=40_000) < 1 / (1 + np.exp(-(6 * scores - 2)))
    slope, offset = platt(scores, right)
    assert [slope, offset] == pytest.approx([6, -2], abs=0.2)
    told = 1 / (1 + np.exp(-(slope * scores + offset)))
    assert calibration_error(told, right) < 0.01
    assert area(told, right) == pytest.approx(area(scores, right))
    assert sum(row["words"] for row in reliability(told, right)) == 40_000

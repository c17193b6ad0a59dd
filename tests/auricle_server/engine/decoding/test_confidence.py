"""Confidence by entropy: its ends and its order."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from auricle_server.engine.decoding.confidence import entropy_confidences
from auricle_server.engine.ops.inputs import ALPHA


def powers(probabilities: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    sums: npt.NDArray[np.float32] = (probabilities**ALPHA).sum(-1, keepdims=True).astype(np.float32)
    return sums


@pytest.mark.parametrize("tokens", [2, 40, 1025, 13_088])
def test_it_goes_from_no_idea_to_certainty(tokens: int) -> None:
    certain, even = np.eye(1, tokens), np.full((1, tokens), 1 / tokens)
    assert entropy_confidences(powers(certain), tokens) == 1
    assert entropy_confidences(powers(even), tokens) == pytest.approx(0, abs=1e-6)
    shares = [(1 - share) * even + share * certain for share in np.linspace(0, 1, 50)]
    values = np.concatenate([entropy_confidences(powers(share), tokens) for share in shares])
    assert (np.diff(values) >= 0).all()
    assert values.dtype == np.float32


def test_many_rivals_count_for_more_than_one() -> None:
    one, many = np.zeros((2, 1025))
    one[:2] = 0.9, 0.1
    many[0], many[1:] = 0.9, 0.1 / 1024
    assert entropy_confidences(powers(many), 1025) < entropy_confidences(powers(one), 1025)

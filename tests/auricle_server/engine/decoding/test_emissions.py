from __future__ import annotations

import numpy as np
import pytest
import torch

from auricle_server.engine.decoding.emissions import EmissionRounds, Emissions
from auricle_server.engine.ops.inputs import ALPHA

CPU = torch.device("cpu")
ROUNDS = (([0, 2, 3], [5, 1, 2], [0, 0, 1]), ([2], [4], [0]), ([0, 2], [3, 0], [6, 2]))
"""Rows, labels and frames of each round."""


def collected(most_logits: int) -> tuple[Emissions, list[torch.Tensor]]:
    found, generator = EmissionRounds(5, most_logits), torch.Generator().manual_seed(2)
    logits = [torch.randn(len(rows), 7, generator=generator) * 3 for rows, _, _ in ROUNDS]
    for (rows, labels, frames), each in zip(ROUNDS, logits, strict=True):
        found.add(np.array(rows), np.array(labels), np.array(frames), each)
    return found.emissions(CPU), logits


def test_labels_stand_in_the_order_of_the_rounds() -> None:
    found, _ = collected(100)
    assert found.count.tolist() == [2, 0, 3, 1, 0]
    assert found.tokens[0, :2].tolist() == [5, 3]
    assert found.tokens[2].tolist() == [1, 4, 0]
    assert found.frames[2].tolist() == [0, 0, 2]
    assert found.frames[3, :1].tolist() == [1]


@pytest.mark.parametrize("most_logits", [0, 3, 100])
def test_scores_are_those_of_the_softmax_however_many_wait(most_logits: int) -> None:
    found, logits = collected(most_logits)
    shares = logits[2][1].double().softmax(0)
    assert float(found.probabilities[2, 2]) == pytest.approx(float(shares[0]), rel=1e-5)
    assert float(found.powers[2, 2]) == pytest.approx(float((shares**ALPHA).sum()), rel=1e-5)
    at_once, _ = collected(100)
    assert torch.equal(found.probabilities, at_once.probabilities)
    assert torch.equal(found.powers, at_once.powers)


def test_a_search_without_labels_gives_empty_columns() -> None:
    found = EmissionRounds(3, 100).emissions(CPU)
    assert found.tokens.shape == found.probabilities.shape == found.powers.shape == (3, 0)
    assert found.count.tolist() == [0, 0, 0]

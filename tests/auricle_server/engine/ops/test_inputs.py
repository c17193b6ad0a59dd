from __future__ import annotations

import torch

from auricle_server.engine.ops.inputs import ALPHA, NORM_EPS, CacheRows, JointScores


def test_the_constants_are_those_of_pytorch_and_nemo() -> None:
    assert torch.nn.LayerNorm(4).eps == NORM_EPS
    assert round(ALPHA, 2) == 0.33  # NeMo's default is the rounded third


def test_rows_are_single_chunks_unless_they_say_otherwise() -> None:
    column = torch.zeros(1)
    assert CacheRows(column, column, column, column, 70, 70).chunk == 0


def test_scores_unpack_in_the_order_in_which_kernels_take_them() -> None:
    assert JointScores._fields == ("token", "log_probability", "power")

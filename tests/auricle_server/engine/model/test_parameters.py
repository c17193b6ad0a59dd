from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from auricle_server.checkpoints.errors import BadCheckpoint
from auricle_server.engine.model.parameters import Parameters

CPU = torch.device("cpu")
WEIGHTS = {"linear.weight": torch.ones(2, 3), "conv.weight": torch.ones(2, 3, 1), "linear.bias": torch.ones(2)}


def test_what_must_be_exact_is_fp32_and_the_rest_in_the_precision_of_products() -> None:
    given = Parameters(WEIGHTS, CPU, torch.bfloat16)
    assert given.exact("linear.weight", 2, 3).dtype == torch.float32
    assert given.matrix("linear.weight", 2, 3).dtype == torch.bfloat16
    bias = given.bias("linear.bias", 2)
    assert bias is not None
    assert bias.dtype == torch.bfloat16


def test_a_pointwise_convolution_is_read_as_a_matrix() -> None:
    assert Parameters(WEIGHTS, CPU, torch.float32).matrix("conv.weight", 2, 3).shape == (2, 3)


def test_a_parameter_is_a_copy() -> None:
    given = Parameters(WEIGHTS, CPU, torch.float32)
    given.exact("linear.bias", 2).zero_()
    assert WEIGHTS["linear.bias"].all()


def test_a_bias_may_be_missing_but_a_weight_may_not() -> None:
    given = Parameters(WEIGHTS, CPU, torch.float32)
    assert given.bias("other.bias", 2) is None
    with pytest.raises(BadCheckpoint, match=r"no other\.weight"):
        given.exact("other.weight", 2)


def test_a_wrong_shape_is_named() -> None:
    with pytest.raises(BadCheckpoint, match=r"linear\.weight has shape \(2, 3\)"):
        Parameters(WEIGHTS, CPU, torch.float32).matrix("linear.weight", 3, 2)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 3e38, -1e7])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_values_with_which_every_word_would_be_lost_are_refused(value: float, dtype: torch.dtype) -> None:
    damaged = {name: weight.clone() for name, weight in WEIGHTS.items()}
    for weight in damaged.values():
        weight.view(-1)[-1] = value
    given: Any = Parameters(damaged, CPU, dtype)
    for read, *arguments in (
        (given.exact, "linear.weight", 2, 3),
        (given.matrix, "linear.weight", 2, 3),
        (given.matrix, "conv.weight", 2, 3),
        (given.bias, "linear.bias", 2),
    ):
        with pytest.raises(BadCheckpoint, match=rf"{arguments[0]} has values from .* is damaged"):
            read(*arguments)


def test_an_empty_parameter_has_no_values_to_check() -> None:
    assert Parameters({"none": torch.zeros(0, 3)}, CPU, torch.float32).exact("none", 0, 3).shape == (0, 3)

from __future__ import annotations

import pytest
import torch

from auricle_server.engine.ops import fp8
from tests.support.engine.step_inputs import Source

CPU = torch.device("cpu")
UNIT = 1 / 16
"""Largest relative error of a value with four significant bits, rounded to nearest."""


def values() -> torch.Tensor:
    """Rows of very different sizes, with outliers."""
    x = Source(1, CPU).normal(64, 128) * torch.logspace(-6, 6, 64)[:, None]
    x[::4, 5] *= 30
    return x


def test_values_near_the_largest_keep_four_bits() -> None:
    x = values()
    found = fp8.widened(*fp8.quantised(x))
    near = x.abs() >= x.abs().amax(1, keepdim=True) * 2**-13
    assert ((found - x).abs() <= UNIT * x.abs())[near].all()


def test_smaller_values_lose_less_than_a_step_of_the_smallest() -> None:
    x = values()
    step = fp8.scale_of_rows(x) * 2**-9  # of e4m3's subnormal values
    assert ((fp8.widened(*fp8.quantised(x)) - x).abs() <= torch.maximum(UNIT * x.abs(), step / 2)).all()


def test_the_mean_error_is_a_fortieth() -> None:
    x = Source(2, CPU).normal(512, 128)
    error = (fp8.widened(*fp8.quantised(x)) - x).norm() / x.norm()
    assert 0.02 < error < 0.03


def test_scales_are_powers_of_two_that_bf16_holds() -> None:
    x = values()
    scale = fp8.scale_of_rows(x)
    assert torch.equal(scale.log2().round().exp2(), scale)
    assert torch.equal(scale.to(fp8.SCALES).float(), scale)
    largest = x.abs().amax(1, keepdim=True) / scale
    assert (largest >= 128).all()
    assert (largest < 256).all()


@pytest.mark.parametrize("power", [-3, 0, 5])
def test_powers_of_two_and_zeros_are_exact(power: int) -> None:
    x = torch.tensor([[0.0, 2.0**power, -(2.0 ** (power - 4)), 0.0], [0.0, 0.0, 0.0, 0.0]])
    assert torch.equal(fp8.widened(*fp8.quantised(x)), x)


def test_a_value_times_its_scale_is_a_bf16_value() -> None:
    found = fp8.widened(*fp8.quantised(values()))
    assert torch.equal(found.bfloat16().float(), found)

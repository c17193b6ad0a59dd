from __future__ import annotations

import pytest
import torch

from auricle_server.engine.ops import fp8
from auricle_server.engine.ops.fp8_product import Fp8Product, scaled_product
from tests.support.engine.step_inputs import Source

CPU = torch.device("cpu")
BOTH_ROUNDED = 0.04
"""Relative error of a product of two factors that are each 2.6 % off: their root of the sum of squares."""


def factors(rows: int = 9, size_in: int = 256, size_out: int = 96) -> tuple[torch.Tensor, torch.Tensor]:
    source = Source(rows, CPU)
    return source.normal(rows, size_in), source.normal(size_out, size_in) * torch.logspace(-2, 1, size_out)[:, None]


def test_the_product_is_that_of_the_rounded_factors() -> None:
    x, weight = factors()
    expected = fp8.widened(*fp8.quantised(x)) @ fp8.widened(*fp8.quantised(weight)).T
    torch.testing.assert_close(Fp8Product(weight, None)(x), expected)


def test_torch_takes_the_factors_as_they_are_given() -> None:
    """The same call that a GPU gets, which a CPU computes too."""
    x, weight = factors()
    weight_values, weight_scales = fp8.quantised(weight)
    found = scaled_product(*fp8.quantised(x), weight_values, weight_scales.T.contiguous())
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.float(), Fp8Product(weight, None)(x), atol=1e-2, rtol=1e-2)


def test_its_error_is_four_percent() -> None:
    x, weight = factors()
    exact = x @ weight.T
    error = (Fp8Product(weight, None)(x) - exact).norm(dim=0) / exact.norm(dim=0)
    assert (error > 0.01).all(), "something is rounded"
    assert error.mean() < BOTH_ROUNDED
    assert error.max() < 2 * BOTH_ROUNDED, "outputs of small weights are as good as those of large ones"


def test_a_row_does_not_depend_on_the_others() -> None:
    x, weight = factors()
    product, louder = Fp8Product(weight, None), x.clone()
    louder[1:] *= 1000
    torch.testing.assert_close(product(louder)[0], product(x)[0])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_shapes_bias_and_precision_are_those_of_a_linear_layer(dtype: torch.dtype) -> None:
    x, weight = factors()
    bias = Source(3, CPU).normal(96, dtype=dtype)
    found = Fp8Product(weight, bias)(x.view(3, 3, 256).to(dtype))
    assert (found.shape, found.dtype) == ((3, 3, 96), dtype)
    without = Fp8Product(weight, None)(x.view(3, 3, 256).to(dtype))
    assert torch.equal(found, without + bias)


def test_sizes_must_be_multiples_of_sixteen() -> None:
    assert Fp8Product.fits(torch.empty(32, 1024))
    assert not Fp8Product.fits(torch.empty(32, 1000))

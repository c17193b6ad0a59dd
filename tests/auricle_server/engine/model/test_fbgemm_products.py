"""Products with fp16 and int8 weights: how near they are, and that a row's result is its own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
import torch.nn.functional as F

from auricle_server.engine.model.fbgemm_products import Fp16Product, Int8Product, weight_levels
from auricle_server.engine.weight_formats import has_fbgemm

pytestmark = pytest.mark.skipif(not has_fbgemm(), reason="this PyTorch has no FBGEMM")

IN, OUT = 320, 192


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def distance(found: torch.Tensor, expected: torch.Tensor) -> float:
    return float((found - expected).norm() / expected.norm())


@pytest.mark.parametrize("with_bias", [False, True])
def test_fp16_weights_are_near_and_int8_nearer_than_a_fiftieth(with_bias: bool) -> None:
    weight, x = draw(OUT, IN, seed=1), draw(3, 7, IN, seed=2)
    bias = draw(OUT, seed=3) if with_bias else None
    expected = F.linear(x, weight, bias)
    assert distance(Fp16Product(weight, bias)(x), expected) < 5e-4
    assert distance(Int8Product(weight, bias, levels=63)(x), expected) < 0.02
    assert distance(Int8Product(weight, bias, levels=127)(x), expected) < 0.015


def test_fp16_weights_equal_rounded_weights() -> None:
    weight, x = draw(OUT, IN), draw(5, IN, seed=1)
    torch.testing.assert_close(Fp16Product(weight, None)(x), F.linear(x, weight.half().float()), rtol=1e-5, atol=1e-4)


def test_int8_equals_the_arithmetic_of_integers() -> None:
    weight, x = draw(OUT, IN), draw(5, IN, seed=1)
    step = weight.abs().amax(1) / weight_levels()
    least, largest = x.amin(1, keepdim=True), x.amax(1, keepdim=True)
    span, rounded = largest - least, (weight / step[:, None]).round()
    whole = ((x - least) / span * 255).round() @ rounded.T
    expected = whole * step * span / 255 + least * rounded.sum(1) * step
    torch.testing.assert_close(Int8Product(weight, None)(x), expected, rtol=1e-4, atol=2e-3)


@pytest.mark.parametrize("product", [Fp16Product, Int8Product])
@pytest.mark.parametrize("rows", [1, 2, 5, 13])
def test_a_row_does_not_depend_on_the_others(product: type[Fp16Product | Int8Product], rows: int) -> None:
    multiply = product(draw(OUT, IN), draw(OUT, seed=1))
    x = draw(26, IN, seed=2)
    x[7] *= 1000  # a loud stream
    together = multiply(x)
    apart = torch.cat([multiply(x[start : start + rows]) for start in range(0, 26, rows)])
    assert torch.equal(together, apart)


def test_a_silent_row_stays_silent_and_one_of_one_value_is_exact() -> None:
    weight = draw(OUT, IN)
    for product in (Fp16Product, Int8Product):
        assert not product(weight, None)(torch.zeros(2, IN)).any()
    step = weight.abs().amax(1, keepdim=True) / 127
    found = Int8Product(weight, None, levels=127)(torch.full((1, IN), 5.0))
    expected = 5 * ((weight / step).round() * step).sum(1)
    torch.testing.assert_close(found[0], expected, rtol=1e-4, atol=1e-2)


def test_threads_pack_at_once_and_leave_the_setting_of_pytorch() -> None:
    before = torch.backends.quantized.engine
    weight, x = draw(OUT, IN), draw(2, IN, seed=1)
    with ThreadPoolExecutor(4) as pool:
        products = list(pool.map(lambda _: Int8Product(weight, None), range(16)))
    assert torch.backends.quantized.engine == before
    assert all(torch.equal(product(x), products[0](x)) for product in products)


def test_weights_that_are_all_zero_give_the_bias() -> None:
    bias = draw(OUT)
    for product in (Fp16Product, Int8Product):
        assert torch.equal(product(torch.zeros(OUT, IN), bias)(draw(2, IN)), bias.expand(2, OUT))


def test_sums_do_not_overflow() -> None:
    # The largest factors on both sides: in 16 bits the sum of two products would overflow with 8 bits on each.
    x = torch.ones(3, IN)
    x[:, -1] = -1
    for sign in (1.0, -1.0):
        found = Int8Product(torch.full((OUT, IN), sign), None)(x)
        torch.testing.assert_close(found, torch.full((3, OUT), sign * (IN - 2)), rtol=1e-3, atol=0)

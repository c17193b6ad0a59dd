from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from auricle_server.engine.model import linear
from auricle_server.engine.model.linear import PackedLinear


@pytest.mark.parametrize("rows", [0, 1, 2, 7, 64, 130])
@pytest.mark.parametrize("with_bias", [False, True])
def test_a_product_is_a_linear_layer(rows: int, with_bias: bool) -> None:
    generator = torch.Generator().manual_seed(rows)
    weight, x = torch.randn(96, 40, generator=generator), torch.randn(rows, 3, 40, generator=generator)
    bias = torch.randn(96, generator=generator) if with_bias else None
    with torch.inference_mode():
        found = PackedLinear(weight, bias)(x)
    assert found.shape == (rows, 3, 96)
    torch.testing.assert_close(found, F.linear(x, weight, bias), rtol=0, atol=2e-5)


def test_fp32_weights_on_a_cpu_are_laid_out_once() -> None:
    assert linear._packed(torch.randn(8, 8)) is not None
    assert linear._packed(torch.randn(8, 8, dtype=torch.bfloat16)) is None


def test_without_the_operators_the_plain_product_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linear, "_packed", lambda weight: None)
    weight, x = torch.randn(5, 4), torch.randn(2, 4)
    assert torch.equal(PackedLinear(weight)(x), F.linear(x, weight))


@pytest.mark.parametrize("plain", [False, True])
def test_a_scaled_weight_is_a_copy(monkeypatch: pytest.MonkeyPatch, plain: bool) -> None:
    if plain:
        monkeypatch.setattr(linear, "_packed", lambda weight: None)
    weight, x = torch.randn(5, 4), torch.randn(2, 4)
    expected = F.linear(x, weight * 0.5)
    product = PackedLinear(weight, scale=0.5)
    weight.zero_()
    torch.testing.assert_close(product(x), expected)

from __future__ import annotations

import torch

from auricle_server.engine.model.conformer import HALF, Conformer, FeedForward
from auricle_server.engine.ops import portable_ops
from tests.support.engine.tiny_model import CONFIG, LEFT, model, parameters, rows

ENCODER = CONFIG.encoder


def conformer() -> Conformer:
    return Conformer(ENCODER, [1, 2], LEFT, parameters(), portable_ops())


def test_a_feed_forward_module_counts_half() -> None:
    x = torch.randn(1, 3, ENCODER.d_model, generator=torch.Generator().manual_seed(1))
    weights = parameters()
    name = "encoder.layers.0.feed_forward1"
    up = weights.exact(f"{name}.linear1.weight", 4 * ENCODER.d_model, ENCODER.d_model)
    down = weights.exact(f"{name}.linear2.weight", ENCODER.d_model, 4 * ENCODER.d_model)
    expected = HALF * (torch.nn.functional.silu(x @ up.T) @ down.T)
    found = FeedForward("encoder.layers.0", 1, ENCODER, weights)(x)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)


def test_a_pointwise_convolution_is_a_linear_layer() -> None:
    name, weights = "encoder.layers.0.conv.pointwise_conv1", parameters()
    x = torch.randn(2, ENCODER.d_model, generator=torch.Generator().manual_seed(2))
    kernel = weights.exact(f"{name}.weight", 2 * ENCODER.d_model, ENCODER.d_model, 1)
    expected = torch.nn.functional.conv1d(x[..., None], kernel)[..., 0]
    found = weights.linear(name, ENCODER.d_model, 2 * ENCODER.d_model)(x)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)


def test_chunks_of_one_frame_see_what_came_before() -> None:
    """With a lookahead of zero, frames one by one are a causal encoder: the first does not depend on the second."""
    encoder, states = conformer(), model().state.layers
    x = torch.randn(1, 2, ENCODER.d_model, generator=torch.Generator().manual_seed(3))
    first = encoder(x[:, :1].clone(), states, rows([1], 0, 1))
    second = encoder(x[:, 1:].clone(), states, rows([1], 1, 1))
    alone = encoder(x[:, 1:].clone(), model().state.layers, rows([1], 0, 1))
    assert first.dtype == torch.float32
    assert not torch.allclose(second, alone)
    again = encoder(x[:, :1].clone(), model().state.layers, rows([1], 0, 1))
    torch.testing.assert_close(again, first)


def test_the_output_is_normalised_by_the_last_norm() -> None:
    x = torch.randn(2, 2, ENCODER.d_model, generator=torch.Generator().manual_seed(4))
    out = conformer()(x, model().state.layers, rows([1, 2], 0, 2))
    name = f"encoder.layers.{ENCODER.layers - 1}.norm_out"
    weight, bias = (parameters().exact(f"{name}.{part}", ENCODER.d_model) for part in ("weight", "bias"))
    plain = (out - bias) / weight
    torch.testing.assert_close(plain.mean(-1), torch.zeros(2, 2), atol=1e-4, rtol=0)
    torch.testing.assert_close(plain.var(-1, unbiased=False), torch.ones(2, 2), atol=1e-2, rtol=0)

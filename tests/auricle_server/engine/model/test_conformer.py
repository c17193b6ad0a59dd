from __future__ import annotations

import pytest
import torch

from auricle_server.checkpoints.nemo.adapters import AdapterConfig
from auricle_server.engine.model.conformer import HALF, Conformer, FeedForward, LinearAdapter
from auricle_server.engine.model.parameters import Parameters
from auricle_server.engine.ops import portable_ops
from tests.support.engine.tiny_model import CONFIG, CPU, LEFT, model, parameters, rows

ENCODER = CONFIG.encoder
ACTIVATIONS = {
    "swish": torch.nn.SiLU(),
    "relu": torch.nn.ReLU(),
    "gelu": torch.nn.GELU(),
    "selu": torch.nn.SELU(),
    "hardtanh": torch.nn.Hardtanh(),
    "identity": torch.nn.Identity(),
}


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


@pytest.mark.parametrize("norm_first", [True, False])
@pytest.mark.parametrize(("name", "activation"), ACTIVATIONS.items())
def test_an_adapter_is_a_norm_and_two_products(name: str, activation: torch.nn.Module, *, norm_first: bool) -> None:
    norm, down, up = torch.nn.LayerNorm(64), torch.nn.Linear(64, 8, bias=False), torch.nn.Linear(8, 64, bias=False)
    parts = (norm, down, activation, up) if norm_first else (down, activation, up, norm)
    theirs = torch.nn.Sequential(*parts)
    stored = {f"block.adapter_layer.mine.module.{name}": value.detach() for name, value in theirs.state_dict().items()}
    ours = LinearAdapter(
        "block", AdapterConfig("mine", 8, name, norm_first), 64, Parameters(stored, CPU, torch.float32), portable_ops()
    )
    x = torch.randn(2, 3, 64, generator=torch.Generator().manual_seed(5))
    with torch.inference_mode():
        torch.testing.assert_close(ours(x), theirs(x), atol=1e-5, rtol=1e-4)


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

"""What the engine gets of a checkpoint's parameters: fp32, batch norms folded, constants completed."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from auricle_server.checkpoints.config import ModelConfig
from auricle_server.checkpoints.nemo.archive import read_archive
from auricle_server.checkpoints.weights import engine_weights, fold_batch_norms
from tests.support.tones import CHECKPOINT

LAYER = "encoder.layers.0.conv"
FB, WINDOW = "preprocessor.featurizer.fb", "preprocessor.featurizer.window"


@pytest.fixture(scope="module")
def config() -> ModelConfig:
    return read_archive(CHECKPOINT).config


def modules(*, bias: bool) -> tuple[nn.Conv1d, nn.BatchNorm1d]:
    """A depthwise convolution of six channels and its batch norm, after some training."""
    torch.manual_seed(1)
    convolution, norm = nn.Conv1d(6, 6, 9, groups=6, bias=bias), nn.BatchNorm1d(6)
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    for _ in range(20):
        norm(convolution(3 * torch.randn(8, 6, 40) + 1))
    return convolution.eval(), norm.eval()


def stored(convolution: nn.Module, norm: nn.Module) -> dict[str, Tensor]:
    parts = {"depthwise_conv": convolution, "batch_norm": norm}
    found = {f"{LAYER}.{part}.{name}": v for part, module in parts.items() for name, v in module.state_dict().items()}
    return {name: value.clone() for name, value in found.items()}


@pytest.mark.parametrize("bias", [False, True])
def test_a_folded_convolution_computes_what_both_compute(bias: bool) -> None:
    convolution, norm = modules(bias=bias)
    weights, audio = stored(convolution, norm), torch.randn(2, 6, 50)
    fold_batch_norms(weights, 1)
    name = f"{LAYER}.depthwise_conv"
    found = nn.functional.conv1d(audio, weights[f"{name}.weight"], weights[f"{name}.bias"], groups=6)
    assert torch.allclose(found, norm(convolution(audio)), atol=1e-5)


def test_a_norm_that_nemo_has_fused_is_a_factor_and_a_summand() -> None:
    name = f"{LAYER}.depthwise_conv"
    weights = {f"{name}.weight": torch.ones(2, 1, 3), f"{name}.bias": torch.tensor([1.0, 2.0])}
    weights |= {f"{LAYER}.batch_norm.weight": torch.tensor([2.0, 3.0]), f"{LAYER}.batch_norm.bias": torch.ones(2)}
    fold_batch_norms(weights, 1)
    assert weights[f"{name}.weight"][:, 0, 0].tolist() == [2.0, 3.0]
    assert weights[f"{name}.bias"].tolist() == [3.0, 7.0]


@pytest.mark.parametrize("missing", [f"{LAYER}.batch_norm.bias", f"{LAYER}.depthwise_conv.weight"])
def test_an_incomplete_layer_is_left_to_the_engine_to_name(missing: str) -> None:
    weights = stored(*modules(bias=True))
    del weights[missing]
    before = {name: value.clone() for name, value in weights.items()}
    fold_batch_norms(weights, 1)
    assert weights.keys() == before.keys()
    assert all(torch.equal(weights[name], value) for name, value in before.items())


@pytest.mark.parametrize("conv_norm", [False, True])
def test_only_batch_norms_are_folded(config: ModelConfig, conv_norm: bool) -> None:
    convolution, norm = modules(bias=True)
    found = engine_weights(
        stored(convolution, norm), replace(config, encoder=replace(config.encoder, conv_norm=conv_norm))
    )
    assert torch.equal(found[f"{LAYER}.depthwise_conv.weight"], convolution.weight) == conv_norm


def test_parameters_are_widened_and_taken_out_of_the_store(config: ModelConfig) -> None:
    half = torch.randn(4).bfloat16()
    parameters = {
        "joint.enc.bias": half,
        "ctc_decoder.weight": half,
        "encoder.steps": torch.ones(1, dtype=torch.int64),
    }
    found = engine_weights(parameters, config)
    assert parameters == {}
    assert torch.equal(found["joint.enc.bias"], half.float())
    assert found.keys() == {"joint.enc.bias", FB, WINDOW}


def test_constants_are_computed_only_where_none_are_stored(config: ModelConfig) -> None:
    computed = engine_weights({}, config)
    assert (computed[FB].shape, computed[WINDOW].shape) == ((1, 128, 257), (400,))
    own = {FB: torch.full((1, 128, 257), 2.0), WINDOW: torch.full((400,), 3.0)}
    found = engine_weights(dict(own), config)
    assert torch.equal(found[FB], own[FB])
    assert torch.equal(found[WINDOW], own[WINDOW])

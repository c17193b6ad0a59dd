"""What the engine gets of a checkpoint's parameters: fp32, batch norms folded, constants completed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from auricle_server.checkpoints.config import ModelConfig
from auricle_server.checkpoints.nemo.archive import read_archive
from auricle_server.checkpoints.weights import (
    MappedFile,
    StoredTensor,
    StoredWeights,
    engine_weights,
    folded_batch_norms,
)
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
    audio = torch.randn(2, 6, 50)
    weights = folded_batch_norms(stored(convolution, norm), 1)
    name = f"{LAYER}.depthwise_conv"
    found = nn.functional.conv1d(audio, weights[f"{name}.weight"], weights[f"{name}.bias"], groups=6)
    assert torch.allclose(found, norm(convolution(audio)), atol=1e-5)


def test_a_norm_that_nemo_has_fused_is_a_factor_and_a_summand() -> None:
    name = f"{LAYER}.depthwise_conv"
    weights = {f"{name}.weight": torch.ones(2, 1, 3), f"{name}.bias": torch.tensor([1.0, 2.0])}
    weights |= {f"{LAYER}.batch_norm.weight": torch.tensor([2.0, 3.0]), f"{LAYER}.batch_norm.bias": torch.ones(2)}
    folded = folded_batch_norms(weights, 1)
    assert folded[f"{name}.weight"][:, 0, 0].tolist() == [2.0, 3.0]
    assert folded[f"{name}.bias"].tolist() == [3.0, 7.0]


@pytest.mark.parametrize("missing", [f"{LAYER}.batch_norm.bias", f"{LAYER}.depthwise_conv.weight"])
def test_an_incomplete_layer_is_left_to_the_engine_to_name(missing: str) -> None:
    weights = stored(*modules(bias=True))
    del weights[missing]
    assert folded_batch_norms(weights, 1) == {}


@pytest.mark.parametrize("conv_norm", [False, True])
def test_only_batch_norms_are_folded(config: ModelConfig, conv_norm: bool) -> None:
    convolution, norm = modules(bias=True)
    found = engine_weights(
        stored(convolution, norm), replace(config, encoder=replace(config.encoder, conv_norm=conv_norm))
    )
    assert torch.equal(found[f"{LAYER}.depthwise_conv.weight"], convolution.weight) == conv_norm


def test_parameters_are_widened(config: ModelConfig) -> None:
    half = torch.randn(4).bfloat16()
    parameters = {
        "joint.enc.bias": half,
        "ctc_decoder.weight": half,
        "encoder.steps": torch.ones(1, dtype=torch.int64),
    }
    found = engine_weights(parameters, config)
    assert torch.equal(found["joint.enc.bias"], half.float())
    assert found.keys() == {"joint.enc.bias", FB, WINDOW}
    assert len(found) == 3
    assert "ctc_decoder.weight" not in found
    with pytest.raises(KeyError, match=r"ctc_decoder\.weight"):
        found["ctc_decoder.weight"]


def test_constants_are_computed_only_where_none_are_stored(config: ModelConfig) -> None:
    computed = engine_weights({}, config)
    assert (computed[FB].shape, computed[WINDOW].shape) == ((1, 128, 257), (400,))
    own = {FB: torch.full((1, 128, 257), 2.0), WINDOW: torch.full((400,), 3.0)}
    found = engine_weights(dict(own), config)
    assert torch.equal(found[FB], own[FB])
    assert torch.equal(found[WINDOW], own[WINDOW])


def resident(path: Path) -> int:
    """Bytes of a file that are in the memory of this process."""
    parts = Path("/proc/self/smaps").read_text().split("VmFlags:")
    return sum(int(part.split("Rss:")[1].split()[0]) * 1024 for part in parts if str(path) in part)


@pytest.fixture
def numbers(tmp_path: Path) -> tuple[Path, StoredWeights]:
    """A file of a million numbers, and it as one parameter of 4 MB."""
    path = tmp_path / "numbers"
    path.write_bytes(torch.arange(1 << 20, dtype=torch.float32).numpy().tobytes())
    with path.open("rb") as stream:
        tensor = StoredTensor(MappedFile(stream), 0, torch.float32, (1024, 1024), (1024, 1))
    return path, StoredWeights({"weight": tensor, "loose": torch.ones(1)})


def test_a_parameter_takes_memory_only_while_it_is_used(numbers: tuple[Path, StoredWeights]) -> None:
    path, weights = numbers
    assert resident(path) == 0
    for _ in range(2):
        matrix = weights["weight"]
        row = matrix[5]
        assert float(matrix.sum()) > 0
        assert resident(path) == 1 << 22
        del matrix
        assert row[3] == 5 * 1024 + 3  # a view holds it as well
        assert resident(path) == 1 << 22
        del row
        assert resident(path) == 0


def test_parameters_that_cannot_be_mapped_are_kept(numbers: tuple[Path, StoredWeights]) -> None:
    _, weights = numbers
    assert list(weights) == ["weight", "loose"]
    assert weights["loose"] is weights["loose"]


def test_a_parameter_that_begins_anywhere_is_read(tmp_path: Path) -> None:
    path = tmp_path / "bytes"
    path.write_bytes(bytes(4090) + torch.arange(6, dtype=torch.int16).numpy().tobytes())
    with path.open("rb") as stream:
        file = MappedFile(stream)
    assert len(file) == 4102
    turned = StoredTensor(file, 4090, torch.int16, (3, 2), (1, 3))
    assert turned.map().tolist() == [[0, 3], [1, 4], [2, 5]]
    assert StoredTensor(file, 4090, torch.int16, (0, 2), (2, 1)).map().shape == (0, 2)
    assert StoredTensor(file, 4092, torch.int16, (), ()).map() == 1

"""A parameter that the engine does not compute with is refused by its name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
import yaml

from auricle_server.checkpoints import UnsupportedModel, load_checkpoint
from auricle_server.checkpoints.config import PromptConfig
from auricle_server.checkpoints.load import Checkpoint
from auricle_server.checkpoints.nemo.adapters import AdapterConfig
from auricle_server.checkpoints.nemo.archive import WEIGHTS_NAME
from auricle_server.checkpoints.nemo.parameter_names import check_used
from auricle_server.engine import Engine
from tests.support import tones
from tests.support.archives import unpack
from tests.support.engine.tiny_model import CONFIG, checkpoint
from tests.support.feeding import Feeder


@pytest.mark.parametrize(
    "name",
    [
        "encoder.layers.0.adapter_layer.mine.module.1.weight",
        "encoder.layers.1.self_attn.linear_q.lora_A",
        "encoder.layers.1.self_attn.linear_pos.bias",
        "encoder.layers.0.conv.depthwise_conv.weight_scale",
        "encoder.out_proj.weight",
        "encoder.pre_encode.conv.8.weight",
        "decoder.adapter_layer.mine.module.0.bias",
        "decoder.prediction.dec_rnn.lstm.weight_hr_l0",
        "joint.joint_net.3.weight",
        "joint.speaker.weight",
        "prompt_kernel.0.weight",
    ],
)
def test_an_unused_parameter_is_named(tmp_path: Path, name: str) -> None:
    folder = unpack(tones.CHECKPOINT, tmp_path / "unpacked")
    weights = torch.load(folder / WEIGHTS_NAME, weights_only=True)
    torch.save({**weights, name: torch.ones(8)}, folder / WEIGHTS_NAME)
    with pytest.raises(UnsupportedModel, match=name.replace(".", r"\.")):
        load_checkpoint(str(folder))


def test_what_training_keeps_is_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = unpack(tones.CHECKPOINT, tmp_path / "unpacked")
    weights = torch.load(folder / WEIGHTS_NAME, weights_only=True)
    extra = {
        "ctc_decoder.decoder_layers.0.weight": torch.ones(8),
        "encoder.layers.0.conv.batch_norm.num_batches_tracked": torch.tensor(7),
        "encoder.pos_bias_u": torch.ones(8),
        "speaker_embedding.weight": torch.ones(8),
    }
    torch.save({**weights, **extra}, folder / WEIGHTS_NAME)
    with caplog.at_level("INFO", "auricle_server"):
        found = load_checkpoint(str(folder)).weights
    assert found.keys() >= weights.keys()
    assert not found.keys() & {"speaker_embedding.weight", "ctc_decoder.decoder_layers.0.weight"}
    assert "its CTC head is left out" in caplog.text
    assert "parts beside its transducer, which are left out: speaker_embedding" in caplog.text


def test_many_are_counted_and_adapters_named() -> None:
    names = [f"encoder.layers.{layer}.adapter_layer.mine.module.1.weight" for layer in range(9)]
    with pytest.raises(UnsupportedModel, match=r"and 5 more; of adapters, .* mine cannot be used"):
        check_used(names, CONFIG)
    enabled = replace(CONFIG, encoder=replace(CONFIG.encoder, adapters=(AdapterConfig("mine", 8),)))
    check_used(names, enabled)
    with pytest.raises(UnsupportedModel):
        check_used(["encoder.layers.0.adapter_layer.mine.module.2.weight"], enabled)


def test_a_prompted_model_has_a_kernel() -> None:
    check_used(["prompt_kernel.0.weight", "prompt_kernel.2.bias"], replace(CONFIG, prompt=PromptConfig(8, {"en": 0})))


@pytest.mark.parametrize("enabled", [True, False])
def test_an_adapter_runs_where_it_is_enabled(tmp_path: Path, *, enabled: bool) -> None:
    folder = unpack(tones.CHECKPOINT, tmp_path / "unpacked")
    config = yaml.safe_load((folder / "model_config.yaml").read_text())
    config["adapters"] = {"mine": {"in_features": 64, "dim": 4, "enabled": enabled}}
    (folder / "model_config.yaml").write_text(yaml.safe_dump(config))
    weights = torch.load(folder / WEIGHTS_NAME, weights_only=True)
    for layer in range(2):
        name = f"encoder.layers.{layer}.adapter_layer.mine.module"
        weights |= {f"{name}.0.weight": torch.ones(64), f"{name}.0.bias": torch.zeros(64)}
        weights |= {f"{name}.1.weight": torch.ones(4, 64) / 8, f"{name}.3.weight": torch.ones(64, 4)}
    torch.save(weights, folder / WEIGHTS_NAME)
    found = [_encoded(each) for each in (load_checkpoint(str(folder)), checkpoint())]
    assert torch.equal(*found) is not enabled


def _encoded(loaded: Checkpoint) -> torch.Tensor:
    feeder = Feeder(Engine(loaded, slots=1, device="cpu"), 1, keep_encoded=True)
    return torch.cat(feeder.run({0: tones.utterance(3, 3)[0]}, 80, "en-US", at_once=1)[0].encoded)

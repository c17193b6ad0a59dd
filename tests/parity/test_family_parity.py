"""Members of the family beside the two published models: what loads equals NeMo, whatever its shape."""

from __future__ import annotations

import logging
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from auricle_server.checkpoints import UnsupportedModel, load_checkpoint
from auricle_server.engine import Engine
from auricle_server.engine.build import Hardware
from tests.parity.conftest import Reference
from tests.parity.rounding import rounding
from tests.parity.tiny import Change, make_member
from tests.support import tones
from tests.support.feeding import Feeder

pytestmark = [pytest.mark.parity, pytest.mark.timeout(300)]


def one_lstm_layer(config: dict[str, Any]) -> None:
    config["decoder"]["prednet"] |= {"pred_rnn_layers": 1, "dropout": 0.0}  # torch warns of dropout behind one layer


def tdt(config: dict[str, Any]) -> None:
    config["model_defaults"]["num_tdt_durations"] = 3
    config["joint"]["num_extra_outputs"] = 3
    config["decoding"] |= {"model_type": "tdt", "durations": [0, 1, 2]}
    config["loss"] = {"loss_name": "tdt", "tdt_kwargs": {"durations": [0, 1, 2]}}


def wide_joint(config: dict[str, Any]) -> None:
    config["model_defaults"]["joint_hidden"] = 48
    config["joint"]["jointnet"]["joint_hidden"] = 48


def no_dropout(config: dict[str, Any]) -> None:
    config["joint"]["jointnet"]["dropout"] = 0.0  # the output layer has another number then


def adapters(*each: dict[str, Any], module: str = "encoder") -> Change:
    """Changes a configuration to one of a model with adapters, named a0, a1 and so on."""
    target = "nemo.collections.common.parts.adapter_modules.LinearAdapter"
    names = [f"a{number}" for number in range(len(each))]

    def change(config: dict[str, Any]) -> None:
        config["encoder"]["_target_"] = "nemo.collections.asr.modules.conformer_encoder.ConformerEncoderAdapter"
        meta = {"adapter_meta_cfg": {"modules": dict.fromkeys(names, module)}}
        size = 64 if module in {"", "encoder"} else 32
        listed = {
            name: {"_target_": target, "in_features": size, "dim": 8, **one}
            for name, one in zip(names, each, strict=True)
        }
        config["adapters"] = {"global_cfg": meta, **listed}

    return change


MEMBERS: dict[str, dict[str, Any]] = {
    "a joint without dropout": {"change": no_dropout},
    "an adapter": {"change": adapters({"activation": "swish"}, module="")},
    "an adapter whose norm comes last": {"change": adapters({"activation": "relu", "norm_position": "post"})},
    "two adapters, and one that is off": {
        "change": adapters({"activation": "gelu"}, {"enabled": False}, {"activation": "hardtanh", "dim": 3}),
    },
    "hybrid": {"name": "EncDecHybridRNNTCTCBPEModel", "use_bias": True, "xscaling": True, "change": one_lstm_layer},
    "one context with a lookahead": {"att_context_size": [70, 1]},
    "narrow feed-forward, two heads": {"ff_expansion_factor": 2, "n_heads": 2, "n_layers": 3},
    "kernel 5": {"conv_kernel_size": 5},
    "as many channels as the width": {"subsampling_conv_channels": -1},
    "batch norm": {"conv_norm_type": "batch_norm", "use_bias": True},
    "batch norm, no biases": {"conv_norm_type": "batch_norm"},
    "shared biases of attention": {"untie_biases": False},
    "regular attention without lookahead": {"att_context_style": "regular", "att_context_size": [30, 0]},
    "convolutions given in frames": {
        "att_context_size": [[28, 0]],
        "conv_context_size": [8, 0],
    },
    "an unlimited context among others": {"att_context_size": [[70, 6], [-1, 6]]},
    "a joint of its own width": {"change": wide_joint},
}


@pytest.mark.parametrize("member", MEMBERS.values(), ids=list(MEMBERS))
def test_it_loads_and_equals_nemo_offline(tmp_path: Path, member: dict[str, Any]) -> None:
    reference = Reference(make_member(tmp_path / "member.nemo", **member))
    checkpoint = load_checkpoint(str(reference.path))
    engine = Engine(checkpoint, slots=3, hardware=Hardware("cpu", max_frames=56))
    rng, tokens = random.Random(4), 0
    for context in checkpoint.config.encoder.contexts:
        jobs = {job: tones.utterance(rng.randrange(1 << 30), 3)[0] for job in range(3)}
        heard = Feeder(engine, seed=2, keep_encoded=True).run(jobs, 80 * (context[1] + 1), "en-US", at_once=3)
        for job, audio in jobs.items():
            with torch.inference_mode():
                expected = reference.encode(torch.from_numpy(audio.astype(np.float32) / 32768), context)
                assert float((torch.cat(heard[job].encoded) - expected).abs().max()) <= rounding(checkpoint, expected)
                assert (heard[job].tokens, heard[job].frames) == reference.decode(expected)
            tokens += len(heard[job].tokens)
    assert tokens > 0 or "subsampling_conv_channels" in member, "random subsampling hears nothing"


def test_a_hybrid_says_that_its_ctc_head_is_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = make_member(tmp_path / "hybrid.nemo", "EncDecHybridRNNTCTCBPEModel")
    with caplog.at_level(logging.INFO):
        weights = load_checkpoint(str(path)).weights
    assert "CTC head is left out" in caplog.text
    assert not [name for name in weights if "ctc" in name]


REFUSED: dict[str, tuple[str, dict[str, Any]]] = {
    "durations": ("TDT", {"change": tdt}),
    "lookahead in every layer": ("att_context_style", {"att_context_style": "regular", "att_context_size": [70, 2]}),
    "unlimited attention": ("att_context_size", {"att_context_style": "regular", "att_context_size": [-1, -1]}),
    "convolutions that look ahead": ("conv_context_size", {"conv_context_size": None}),
    "a group norm": ("conv_norm_type", {"conv_norm_type": "group_norm4"}),
    "an adapter of the decoder": ("decoder", {"change": adapters({}, module="decoder")}),
    "an adapter of the joint": ("joint", {"change": adapters({}, module="joint")}),
    "subsampling by four": ("subsampling_factor", {"subsampling_factor": 4}),
}


@pytest.mark.parametrize(("said", "member"), REFUSED.values(), ids=list(REFUSED))
def test_it_is_refused_with_the_reason(tmp_path: Path, said: str, member: dict[str, Any]) -> None:
    path = make_member(tmp_path / "member.nemo", **member)
    with pytest.raises(UnsupportedModel, match=said) as refused:
        load_checkpoint(str(path))
    print(refused.value)

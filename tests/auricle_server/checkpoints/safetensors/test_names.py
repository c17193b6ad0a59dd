"""Names of `transformers` become NeMo's: of parameters, and of what a configuration says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from auricle_server.bench.models.transformers_writer import config_json, processor_json, their_name
from auricle_server.checkpoints import load_checkpoint
from auricle_server.checkpoints.config import PromptConfig, parse_config
from auricle_server.checkpoints.errors import BadCheckpoint, UnsupportedModel
from auricle_server.checkpoints.load import Checkpoint
from auricle_server.checkpoints.safetensors.names import nemo_config, nemo_name
from tests.support import tongues
from tests.support.tones import CHECKPOINT

Tree = dict[str, Any]


@pytest.fixture(scope="module")
def checkpoint() -> Checkpoint:
    return load_checkpoint(str(CHECKPOINT))


@pytest.fixture
def config(checkpoint: Checkpoint) -> Tree:
    return config_json(checkpoint)


@pytest.fixture
def processor(checkpoint: Checkpoint) -> Tree:
    return processor_json(checkpoint)


@pytest.mark.parametrize("make", [lambda: load_checkpoint(str(CHECKPOINT)), tongues.checkpoint])
def test_every_parameter_gets_its_name_back(make: Callable[[], Checkpoint]) -> None:
    names = [name for name in make().weights if not name.startswith("preprocessor.")]
    assert len(names) > 50
    assert [nemo_name(their_name(name)) for name in names] == names
    assert all(their_name(name) != name for name in names if ".self_attn." in name)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("encoder.subsampling.layers.1.pointwise_conv.weight", "encoder.pre_encode.conv.6.weight"),
        ("encoder.subsampling.layers.5.bias", "encoder.pre_encode.conv.5.bias"),
        ("encoder.layers.3.self_attn.bias_v", "encoder.layers.3.self_attn.pos_bias_v"),
        ("encoder.layers.3.conv.norm.weight", "encoder.layers.3.conv.batch_norm.weight"),
        ("encoder.layers.3.feed_forward1.linear1.weight", "encoder.layers.3.feed_forward1.linear1.weight"),
        ("prompt_projector.linear_2.bias", "prompt_kernel.2.bias"),
    ],
)
def test_a_parameter_of_each_part(theirs: str, ours: str) -> None:
    assert nemo_name(theirs) == ours


def test_the_configuration_is_that_of_the_nemo_file(checkpoint: Checkpoint, config: Tree, processor: Tree) -> None:
    assert parse_config(nemo_config(config, processor)) == checkpoint.config


def test_a_multilingual_class_has_a_prompt() -> None:
    prompted = tongues.checkpoint()
    tree = nemo_config(config_json(prompted), processor_json(prompted))
    assert parse_config(tree).prompt == PromptConfig(128, tongues.PROMPTS)


def test_early_versions_list_pairs_of_contexts(config: Tree, processor: Tree) -> None:
    encoder = config["encoder_config"]
    del encoder["sliding_window"]
    for given in ([[70, 1], [70, 0]], [70, 13]):
        encoder["att_context_size"] = given
        contexts = nemo_config(config, processor)["encoder"]["att_context_size"]
        assert contexts == given


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model_type": "whisper"}, "'whisper', not 'nemotron_asr_streaming' or 'nemotron3_5_asr'"),
        ({"model_type": None}, "model_type is 'None'"),
        ({"blank_token_id": 0}, "blank_token_id is 0, not the last token"),
    ],
)
def test_another_class_is_refused(config: Tree, processor: Tree, changes: Tree, said: str) -> None:
    with pytest.raises(UnsupportedModel, match=said):
        nemo_config(config | changes, processor)


@pytest.mark.parametrize("changes", [{"hidden_act": "relu"}, {"intermediate_size": 100}])
def test_other_feed_forward_modules_are_refused(config: Tree, processor: Tree, changes: Tree) -> None:
    config["encoder_config"] |= changes
    with pytest.raises(UnsupportedModel, match=r"feed-forward modules are .*SiLU of a multiple of 64"):
        nemo_config(config, processor)


@pytest.mark.parametrize("missing", ["vocab_size", "num_decoder_layers", "encoder_config"])
def test_a_missing_value_is_named(config: Tree, processor: Tree, missing: str) -> None:
    del config[missing]
    with pytest.raises(BadCheckpoint, match=rf"config\.json.*{missing}"):
        nemo_config(config, processor)


def test_a_missing_feature_is_named(config: Tree, processor: Tree) -> None:
    del processor["feature_extractor"]["hop_length"]
    with pytest.raises(BadCheckpoint, match=r"processor_config\.json: feature_extractor\.hop_length is missing"):
        nemo_config(config, processor)

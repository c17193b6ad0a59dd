"""NeMo's configuration tree becomes the engine's; what the engine does not compute is refused, with the reason."""

from __future__ import annotations

from typing import Any

import pytest

from auricle_server.checkpoints.config import PromptConfig, parse_config
from auricle_server.checkpoints.errors import BadCheckpoint, UnsupportedModel
from tests.support.archives import raw_config
from tests.support.tones import CHECKPOINT


@pytest.fixture
def raw() -> dict[str, Any]:
    """The two-tone checkpoint's tree."""
    return raw_config(CHECKPOINT)


def test_every_size_is_read(raw: dict[str, Any]) -> None:
    config = parse_config(raw)
    mel, encoder, decoder = config.mel, config.encoder, config.decoder
    assert (mel.sample_rate, mel.window, mel.hop, mel.n_fft, mel.bins) == (16000, 400, 160, 512, 128)
    assert mel.preemphasis == pytest.approx(0.97)
    assert (encoder.layers, encoder.d_model, encoder.heads, encoder.expansion) == (2, 64, 4, 4)
    assert (encoder.conv_kernel, encoder.conv_channels, encoder.conv_norm, encoder.scale_input) == (9, 16, True, False)
    assert encoder.contexts == ((70, 13), (70, 6), (70, 1), (70, 0))
    assert (decoder.layers, decoder.hidden, decoder.joint) == (2, 32, 32)
    assert (decoder.vocabulary, decoder.max_symbols) == (64, 10)
    assert config.prompt is None


def test_a_frame_is_eight_hops(raw: dict[str, Any]) -> None:
    raw["preprocessor"]["window_stride"] = 0.005
    config = parse_config(raw)
    assert (config.frame_samples, config.frame_seconds) == (640, 0.04)


def test_lengths_in_samples_precede_those_in_seconds(raw: dict[str, Any]) -> None:
    raw["preprocessor"] |= {"n_window_size": 320, "n_window_stride": 80}
    assert (parse_config(raw).mel.window, parse_config(raw).mel.hop) == (320, 80)


def test_what_may_be_left_out_has_nemos_defaults(raw: dict[str, Any]) -> None:
    for key in ("subsampling_conv_channels", "xscaling", "ff_expansion_factor", "conv_norm_type"):
        del raw["encoder"][key]
    del raw["decoding"]
    config = parse_config(raw)
    assert config.encoder.conv_channels == config.encoder.d_model
    assert (config.encoder.scale_input, config.encoder.expansion, config.encoder.conv_norm) == (True, 4, False)
    assert config.decoder.max_symbols == 10


def test_a_prompted_model_has_its_dictionary(raw: dict[str, Any]) -> None:
    raw["target"] += "WithPrompt"
    raw["model_defaults"]["prompt_dictionary"] = {"en-US": 0, "auto": 101}
    assert parse_config(raw).prompt == PromptConfig(128, {"en-US": 0, "auto": 101})
    raw["model_defaults"]["prompt_dictionary"] = {False: 103, "cy-GB": 7}  # `no` in YAML, without quotation marks
    assert parse_config(raw).prompt == PromptConfig(128, {"no": 103, "cy-GB": 7})
    raw["model_defaults"]["prompt_dictionary"] = {}
    with pytest.raises(BadCheckpoint, match=r"prompt_dictionary is \{\}: it must name"):
        parse_config(raw)
    del raw["model_defaults"]["prompt_dictionary"]
    with pytest.raises(BadCheckpoint, match=r"model_defaults\.prompt_dictionary is missing"):
        parse_config(raw)


def test_references_are_followed(raw: dict[str, Any]) -> None:
    expected = parse_config(raw)
    raw["encoder"] |= {"d_model": "${model_defaults.enc_hidden}", "feat_in": "${preprocessor.features}"}
    raw["encoder"]["att_context_size"] = [["${contexts.left}", right] for right in (13, 6, 1, 0)]
    raw["decoder"]["prednet"]["pred_hidden"] = "${model.model_defaults.pred_hidden}"
    raw["joint"] |= {"num_classes": "${decoder.vocab_size}"}
    raw["joint"]["jointnet"]["joint_hidden"] = "${...model_defaults.joint_hidden}"
    raw["preprocessor"]["sample_rate"] = "${sample_rate}"
    raw["contexts"] = {"left": 70}
    raw["exp_manager"] = {"exp_dir": "${oc.env:HOME}"}  # nobody reads it
    assert parse_config(raw) == expected
    assert parse_config({"model": raw, "name": "a training file"}) == expected
    raw["_target_"] = raw.pop("target")
    assert parse_config(raw) == expected


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("encoder", "d_model", "${oc.env:WIDTH}"),
        ("encoder", "d_model", "${encoder.d_model}"),
        ("encoder", "n_layers", "${nowhere}"),
        ("encoder", "att_context_size", "${contexts}"),
        ("encoder", "att_context_size", [["${left}", 13]]),
        ("encoder", "subsampling", "${nowhere}"),
        ("encoder", "xscaling", "${multiply:2,3}"),
        ("preprocessor", "normalize", "${nowhere}"),
        ("joint", "jointnet", "${nowhere}"),
    ],
)
def test_a_reference_to_nothing_is_refused_with_its_key(
    raw: dict[str, Any], section: str, key: str, value: object
) -> None:
    raw[section][key] = value
    with pytest.raises(BadCheckpoint, match=rf"{section}\.{key} is .*\$\{{"):
        parse_config(raw)


def test_a_value_that_was_to_be_given_is_missing(raw: dict[str, Any]) -> None:
    raw["encoder"]["n_layers"] = "???"
    with pytest.raises(BadCheckpoint, match=r"encoder\.n_layers is missing"):
        parse_config(raw)


def test_sizes_of_minus_one_are_elsewhere(raw: dict[str, Any]) -> None:
    expected = parse_config(raw)
    raw["encoder"] |= {"d_model": -1, "feat_out": -1}
    raw["decoder"]["prednet"] |= {"pred_hidden": -1, "rnn_hidden_size": -1}
    raw["joint"]["num_classes"] = raw["preprocessor"]["features"] = raw["joint"]["jointnet"]["joint_hidden"] = -1
    assert parse_config(raw) == expected
    del raw["model_defaults"]
    raw["joint"]["jointnet"]["joint_hidden"] = 32
    raw["decoder"]["vocab_size"] = -1
    assert parse_config(raw) == expected


@pytest.mark.parametrize(
    ("path", "emptied"),
    [
        ("encoder.d_model", ("model_defaults.enc_hidden", "joint.jointnet.encoder_hidden")),
        ("preprocessor.features", ("encoder.feat_in",)),
        ("decoder.prednet.pred_hidden", ("model_defaults.pred_hidden", "joint.jointnet.pred_hidden")),
        ("joint.jointnet.joint_hidden", ("model_defaults.joint_hidden",)),
        ("joint.num_classes", ("decoder.vocab_size", "joint.vocabulary", "labels")),
    ],
)
def test_a_size_of_minus_one_that_is_nowhere_is_named(raw: dict[str, Any], path: str, emptied: tuple[str, ...]) -> None:
    for each in (path, *emptied):
        *sections, key = each.split(".")
        inner = raw
        for section in sections:
            inner = inner[section]
        inner[key] = [] if isinstance(inner.get(key), list) else -1
    with pytest.raises(BadCheckpoint, match=rf"{path.replace('.', '[.]')} is -1, and neither .* says how large it is"):
        parse_config(raw)


def test_null_means_what_it_means_to_nemo(raw: dict[str, Any]) -> None:
    raw["preprocessor"] |= {"n_fft": None, "preemph": None}
    assert (parse_config(raw).mel.n_fft, parse_config(raw).mel.preemphasis) == (512, 0.0)
    del raw["preprocessor"]["preemph"]
    assert parse_config(raw).mel.preemphasis == 0.97


@pytest.mark.parametrize(
    ("section", "key"), [("encoder", "n_layers"), ("preprocessor", "features"), ("joint", "num_classes")]
)
def test_a_missing_value_or_section_is_named(raw: dict[str, Any], section: str, key: str) -> None:
    del raw[section][key]
    with pytest.raises(BadCheckpoint, match=rf"{section}\.{key} is missing"):
        parse_config(raw)
    del raw[section]
    with pytest.raises(BadCheckpoint, match=f"no section '{section}'"):
        parse_config(raw)


@pytest.mark.parametrize(
    ("section", "values"),
    [
        ("encoder", {"att_context_style": "regular", "att_context_size": [[70, 13], [70, 1]]}),
        ("encoder", {"causal_downsampling": False}),
        ("encoder", {"subsampling_factor": 4}),
        ("encoder", {"conv_norm_type": "instance_norm"}),
        ("encoder", {"conv_context_size": None}),
        ("encoder", {"att_context_size": [[-1, -1]]}),
        ("encoder", {"conv_context_style": "dcc"}),
        ("encoder", {"reduction": "pooling"}),
        ("encoder", {"att_context_style": "chunked_limited_with_rc"}),
        ("preprocessor", {"normalize": "per_feature"}),
        ("preprocessor", {"sample_rate": 8000}),
        ("decoder", {"normalization_mode": "layer"}),
        ("decoder", {"_target_": "nemo.collections.asr.modules.StatelessTransducerDecoder"}),
    ],
)
def test_an_architecture_that_does_not_stream_is_refused_with_the_reason(
    raw: dict[str, Any], section: str, values: dict[str, object]
) -> None:
    raw[section] |= values
    with pytest.raises(UnsupportedModel, match=rf"{section}\.{next(iter(values))}"):
        parse_config(raw)


def test_a_causal_convolution_may_be_given_as_numbers(raw: dict[str, Any]) -> None:
    raw["encoder"]["conv_context_size"] = [8, 0]
    assert parse_config(raw).encoder.conv_kernel == 9
    raw["encoder"]["conv_context_size"] = [4, 4]
    with pytest.raises(UnsupportedModel, match="convolutions look ahead"):
        parse_config(raw)

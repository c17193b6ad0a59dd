"""Converts the configuration and the parameter names of `transformers` to NeMo's.

`transformers` (5.23) has two classes of the family: `NemotronAsrStreamingForRNNT` (English) and `Nemotron3_5AsrForRNNT`
(multilingual, with a language prompt). Both store the parameters of NeMo's checkpoints unchanged, under other names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from auricle_server.checkpoints.errors import BadCheckpoint, UnsupportedModel
from auricle_server.checkpoints.section import RUNS

CLASSES = {
    "nemotron_asr_streaming": "EncDecRNNTBPEModel",
    "nemotron3_5_asr": "EncDecRNNTBPEModelWithPrompt",
}
"""NeMo's class, by the ``model_type`` of ``config.json``."""

_PARTS = (
    (r"^encoder\.subsampling\.conv_in\.", "encoder.pre_encode.conv.0."),
    (r"^encoder\.subsampling\.layers\.0\.depthwise_conv\.", "encoder.pre_encode.conv.2."),
    (r"^encoder\.subsampling\.layers\.0\.pointwise_conv\.", "encoder.pre_encode.conv.3."),
    (r"^encoder\.subsampling\.layers\.1\.depthwise_conv\.", "encoder.pre_encode.conv.5."),
    (r"^encoder\.subsampling\.layers\.1\.pointwise_conv\.", "encoder.pre_encode.conv.6."),
    # Versions before 5.13 or so numbered the subsampling's modules as NeMo does.
    (r"^encoder\.subsampling\.layers\.(\d)\.(weight|bias)$", r"encoder.pre_encode.conv.\1.\2"),
    (r"^encoder\.subsampling\.linear\.", "encoder.pre_encode.out."),
    (r"\.self_attn\.([qkv])_proj\.", r".self_attn.linear_\1."),
    (r"\.self_attn\.o_proj\.", ".self_attn.linear_out."),
    (r"\.self_attn\.relative_k_proj\.", ".self_attn.linear_pos."),
    (r"\.self_attn\.bias_([uv])$", r".self_attn.pos_bias_\1"),
    (r"\.conv\.norm\.", ".conv.batch_norm."),
    (r"^decoder\.embedding\.", "decoder.prediction.embed."),
    (r"^decoder\.lstm\.", "decoder.prediction.dec_rnn.lstm."),
    (r"^decoder\.decoder_projector\.", "joint.pred."),
    (r"^encoder_projector\.", "joint.enc."),
    (r"^joint\.head\.", "joint.joint_net.2."),
    (r"^prompt_projector\.linear_1\.", "prompt_kernel.0."),
    (r"^prompt_projector\.linear_2\.", "prompt_kernel.2."),
)
_PATTERNS = tuple((re.compile(pattern), name) for pattern, name in _PARTS)


def nemo_name(name: str) -> str:
    """NeMo's name of a parameter."""
    for pattern, replacement in _PATTERNS:
        name = pattern.sub(replacement, name)
    return name


def nemo_config(config: Mapping[str, Any], processor: Mapping[str, Any]) -> dict[str, Any]:
    """NeMo's configuration tree.

    Their configuration leaves out what is the same in all models of these classes: causal convolutions, layer norm,
    features that are not normalised.

    Args:
        config: ``config.json``.
        processor: ``processor_config.json``, or ``preprocessor_config.json`` of earlier versions.

    Raises:
        UnsupportedModel: The class is not one of `CLASSES`.
        BadCheckpoint: A value that both classes have is missing.
    """
    kind = str(config.get("model_type", "unknown"))
    if kind not in CLASSES:
        raise UnsupportedModel(f"config.json: model_type is {kind!r}, not {' or '.join(map(repr, CLASSES))}. {RUNS}")
    try:
        return _tree(CLASSES[kind], config, config["encoder_config"], processor)
    except KeyError as missing:
        raise BadCheckpoint(f"config.json or processor_config.json lacks {missing}") from missing


def _tree(
    name: str, config: Mapping[str, Any], encoder: Mapping[str, Any], processor: Mapping[str, Any]
) -> dict[str, Any]:
    # `transformers` counts blank in ``vocab_size``, NeMo's ``num_classes`` does not.
    vocabulary, hidden = int(config["vocab_size"]) - 1, config["decoder_hidden_size"]
    if config.get("blank_token_id", vocabulary) != vocabulary:
        raise UnsupportedModel(f"config.json: blank_token_id is {config['blank_token_id']}, not the last token")
    return {
        "target": name,
        "preprocessor": _features(processor.get("feature_extractor") or processor),
        "encoder": _encoder(encoder, processor),
        "decoder": {"prednet": {"pred_hidden": hidden, "pred_rnn_layers": config["num_decoder_layers"]}},
        "joint": {
            "num_classes": vocabulary,
            "jointnet": {"joint_hidden": hidden, "activation": config.get("hidden_act", "relu")},
        },
        "decoding": {"greedy": {"max_symbols": config.get("max_symbols_per_step", 10)}},
        "model_defaults": {
            "num_prompts": config.get("num_prompts", 128),
            "prompt_dictionary": processor.get("prompt_dictionary"),
        },
    }


def _features(extractor: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "normalize": "NA",
        "sample_rate": extractor["sampling_rate"],
        "n_window_size": extractor["win_length"],
        "n_window_stride": extractor["hop_length"],
        "n_fft": extractor["n_fft"],
        "features": extractor["feature_size"],
        "preemph": extractor.get("preemphasis", 0.97),
    }


def _encoder(encoder: Mapping[str, Any], processor: Mapping[str, Any]) -> dict[str, Any]:
    d_model, inner = int(encoder["hidden_size"]), int(encoder["intermediate_size"])
    if encoder.get("hidden_act", "silu") != "silu" or inner % d_model:
        raise UnsupportedModel(
            f"config.json: the encoder's feed-forward modules are {encoder.get('hidden_act')} of width {inner}; the "
            f"engine computes SiLU of a multiple of {d_model}"
        )
    return {
        "n_layers": encoder["num_hidden_layers"],
        "d_model": d_model,
        "n_heads": encoder["num_attention_heads"],
        "ff_expansion_factor": inner // d_model,
        "conv_kernel_size": encoder["conv_kernel_size"],
        "conv_context_size": "causal",
        "conv_norm_type": "layer_norm",
        "subsampling": "dw_striding",
        "subsampling_factor": encoder["subsampling_factor"],
        "subsampling_conv_channels": encoder["subsampling_conv_channels"],
        "causal_downsampling": True,
        "xscaling": encoder["scale_input"],
        "att_context_style": "chunked_limited",
        "att_context_size": _contexts(encoder, processor),
    }


def _contexts(encoder: Mapping[str, Any], processor: Mapping[str, Any]) -> list[list[int]]:
    """The contexts, the default first. The processor lists the right contexts; early versions list pairs."""
    if "sliding_window" not in encoder:
        given = encoder["att_context_size"]
        return given if isinstance(given[0], list) else [given]
    listed = processor.get("supported_num_lookahead_tokens") or encoder.get("supported_num_lookahead_tokens")
    default = encoder.get("default_num_lookahead_tokens")
    # The sort is stable: the others keep their order.
    rights = sorted(listed or [encoder["default_num_lookahead_tokens"]], key=lambda right: right != default)
    # Its window counts the frame itself, NeMo's left context does not.
    return [[int(encoder["sliding_window"]) - 1, int(right)] for right in rights]

"""Converts the configuration and the parameter names of `transformers` to NeMo's.

`transformers` (5.23) has two classes of the family: `NemotronAsrStreamingForRNNT` (English) and `Nemotron3_5AsrForRNNT`
(multilingual, with a language prompt). Both store the parameters of NeMo's checkpoints unchanged, under other names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from auricle_server.checkpoints.errors import UnsupportedModel
from auricle_server.checkpoints.parsing import bounds
from auricle_server.checkpoints.parsing.bounds import Bounds
from auricle_server.checkpoints.section import RUNS, Section, shown

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
        raise UnsupportedModel(
            f"config.json: model_type is {shown(kind)}, not {' or '.join(map(repr, CLASSES))}. {RUNS}"
        )
    whole = Section("", config, "config.json")
    return _tree(CLASSES[kind], whole, whole.inner("encoder_config"), Section("", processor, "processor_config.json"))


def _tree(name: str, config: Section, encoder: Section, processor: Section) -> dict[str, Any]:
    # `transformers` counts blank in ``vocab_size``, NeMo's ``num_classes`` does not.
    vocabulary = config.integer("vocab_size", Bounds(2, bounds.VOCABULARY.most + 1)) - 1
    hidden = config.integer("decoder_hidden_size", bounds.WIDTH)
    if config.find("blank_token_id", vocabulary) != vocabulary:
        found = shown(config.get("blank_token_id"))
        raise UnsupportedModel(f"config.json: blank_token_id is {found}, not the last token")
    layers = config.integer("num_decoder_layers", bounds.LSTM_LAYERS)
    return {
        "target": name,
        "preprocessor": _features(extractor_of(processor)),
        "encoder": _encoder(encoder, processor),
        "decoder": {"prednet": {"pred_hidden": hidden, "pred_rnn_layers": layers}},
        "joint": {
            "num_classes": vocabulary,
            "jointnet": {"joint_hidden": hidden, "activation": config.find("hidden_act", "relu")},
        },
        "decoding": {"greedy": {"max_symbols": config.integer("max_symbols_per_step", bounds.SYMBOLS, 10)}},
        "model_defaults": {
            "num_prompts": config.integer("num_prompts", bounds.PROMPTS, 128),
            "prompt_dictionary": processor.find("prompt_dictionary"),
        },
    }


def extractor_of(processor: Section) -> Section:
    """The part of a processor's configuration that says how features are made."""
    part = processor.optional("feature_extractor")
    return part if part.items() else processor


def _features(extractor: Section) -> dict[str, Any]:
    fft = extractor.integer("n_fft", bounds.FFT)
    window = extractor.integer("win_length", Bounds(bounds.HOP.least, fft))
    return {
        "normalize": "NA",
        "sample_rate": extractor.get("sampling_rate"),
        "n_window_size": window,
        "n_window_stride": extractor.integer("hop_length", Bounds(bounds.HOP.least, window)),
        "n_fft": fft,
        "features": extractor.integer("feature_size", bounds.MEL_BINS),
        "preemph": extractor.number("preemphasis", bounds.PREEMPHASIS, 0.97),
    }


def _encoder(encoder: Section, processor: Section) -> dict[str, Any]:
    d_model = encoder.integer("hidden_size", bounds.WIDTH)
    inner = encoder.integer("intermediate_size", Bounds(1, bounds.WIDTH.most * bounds.EXPANSION.most))
    activation = encoder.find("hidden_act", "silu")
    if activation != "silu" or inner % d_model:
        raise UnsupportedModel(
            f"config.json: the encoder's feed-forward modules are {shown(activation)} of width {inner}; the engine "
            f"computes SiLU of a multiple of {d_model}"
        )
    return {
        "n_layers": encoder.integer("num_hidden_layers", bounds.LAYERS),
        "d_model": d_model,
        "n_heads": encoder.integer("num_attention_heads", bounds.HEADS),
        "ff_expansion_factor": inner // d_model,
        "conv_kernel_size": encoder.integer("conv_kernel_size", bounds.KERNEL),
        "conv_context_size": "causal",
        "conv_norm_type": "layer_norm",
        "subsampling": "dw_striding",
        "subsampling_factor": encoder.get("subsampling_factor"),
        "subsampling_conv_channels": encoder.integer("subsampling_conv_channels", bounds.SUBSAMPLING_CHANNELS),
        "causal_downsampling": True,
        "xscaling": encoder.flag("scale_input"),
        "att_context_style": "chunked_limited",
        "att_context_size": _contexts(encoder, processor),
    }


def _contexts(encoder: Section, processor: Section) -> list[list[int]]:
    """The contexts, the default first. The processor lists the right contexts; early versions list pairs."""
    if encoder.find("sliding_window") is None:
        pairs: list[list[int]] = encoder.get("att_context_size")  # or one; checked with the rest of NeMo's tree
        return pairs
    key = "supported_num_lookahead_tokens"
    given = processor.find(key) or encoder.find(key) or [encoder.get("default_num_lookahead_tokens")]
    if not isinstance(given, list):
        encoder.reject(key, given, "it must be a list of numbers")
    listed = [encoder.check_integer(key, right, bounds.RIGHT_CONTEXT) for right in given]
    default = encoder.find("default_num_lookahead_tokens")
    # Its window counts the frame itself, NeMo's left context does not.
    left = encoder.integer("sliding_window", Bounds(1, bounds.LEFT_CONTEXT.most + 1)) - 1
    # The sort is stable: the others keep their order.
    return [[left, right] for right in sorted(listed, key=lambda right: right != default)]

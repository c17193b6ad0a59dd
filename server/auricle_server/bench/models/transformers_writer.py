"""Writes a checkpoint to a folder as `transformers` (5.23) saves models, without `transformers`.

The files are those of NVIDIA's repositories: one file of fp32 weights, ``config.json``, ``generation_config.json``,
``processor_config.json``, ``tokenizer.json`` and ``tokenizer_config.json``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from auricle_server.checkpoints.load import Checkpoint

MODEL, INDEX = "model.safetensors", "model.safetensors.index.json"
LEFT_OUT = ("preprocessor.",)
NAMES = (
    ("encoder.pre_encode.conv.0.", "encoder.subsampling.conv_in."),
    ("encoder.pre_encode.conv.2.", "encoder.subsampling.layers.0.depthwise_conv."),
    ("encoder.pre_encode.conv.3.", "encoder.subsampling.layers.0.pointwise_conv."),
    ("encoder.pre_encode.conv.5.", "encoder.subsampling.layers.1.depthwise_conv."),
    ("encoder.pre_encode.conv.6.", "encoder.subsampling.layers.1.pointwise_conv."),
    ("encoder.pre_encode.out.", "encoder.subsampling.linear."),
    ("linear_q.", "q_proj."),
    ("linear_k.", "k_proj."),
    ("linear_v.", "v_proj."),
    ("linear_out.", "o_proj."),
    ("linear_pos.", "relative_k_proj."),
    ("pos_bias_", "bias_"),
    ("conv.batch_norm.", "conv.norm."),
    ("decoder.prediction.embed.", "decoder.embedding."),
    ("decoder.prediction.dec_rnn.lstm.", "decoder.lstm."),
    ("joint.pred.", "decoder.decoder_projector."),
    ("joint.enc.", "encoder_projector."),
    ("joint.joint_net.2.", "joint.head."),
    ("prompt_kernel.0.", "prompt_projector.linear_1."),
    ("prompt_kernel.2.", "prompt_projector.linear_2."),
)


def their_name(name: str) -> str:
    """The name under which `transformers` stores NeMo's parameter `name`."""
    for ours, theirs in NAMES:
        name = name.replace(ours, theirs)
    return name


def their_weights(checkpoint: Checkpoint, dtype: torch.dtype = torch.float32) -> dict[str, torch.Tensor]:
    """All parameters by their names, in the given precision."""
    return {
        their_name(name): value.to(dtype).contiguous()
        for name, value in checkpoint.weights.items()
        if not name.startswith(LEFT_OUT)
    }


def write_folder(checkpoint: Checkpoint, folder: Path, *, dtype: torch.dtype = torch.float32, shards: int = 1) -> Path:
    """Writes the folder, which it returns.

    Args:
        checkpoint: What to write.
        folder: Where to; created where it does not exist.
        dtype: Precision of the weights.
        shards: Files over which they are spread, with an index where there are several.
    """
    folder.mkdir(parents=True, exist_ok=True)
    contents = {
        "config.json": config_json(checkpoint),
        "generation_config.json": {"_from_model_config": True, "pad_token_id": 0},
        "processor_config.json": processor_json(checkpoint),
        "tokenizer.json": tokenizer_json(checkpoint),
        "tokenizer_config.json": tokenizer_config_json(checkpoint),
    }
    for name, content in contents.items():
        (folder / name).write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n")
    _write_weights(their_weights(checkpoint, dtype), folder, shards)
    return folder


def _write_weights(weights: dict[str, Tensor], folder: Path, shards: int) -> None:
    if shards == 1:
        write_safetensors(weights, folder / MODEL)
        return
    names, files = sorted(weights), [f"model-{part + 1:05}-of-{shards:05}.safetensors" for part in range(shards)]
    placed = {name: files[index % shards] for index, name in enumerate(names)}
    for file in files:
        write_safetensors({name: weights[name] for name in names if placed[name] == file}, folder / file)
    (folder / INDEX).write_text(json.dumps({"metadata": {"total_size": 0}, "weight_map": placed}))


def write_safetensors(weights: Mapping[str, Tensor], path: Path) -> None:
    """Writes tensors of one precision to the bytes that `safetensors.torch.save_file` writes.

    The library makes a second copy of all tensors first: gigabytes.
    """
    with path.open("wb") as out:
        out.write(safetensors_header(weights))
        for name in sorted(weights):
            out.write(weights[name].cpu().contiguous().view(-1).view(torch.uint8).numpy().data)


def safetensors_header(weights: Mapping[str, Tensor]) -> bytes:
    """All that precedes the values in the file: the length of the header, and the header, padded to eight bytes."""
    at = 0
    header: dict[str, dict[str, Any]] = {"__metadata__": {"format": "pt"}}
    for name in sorted(weights):
        value = weights[name]
        end = at + value.numel() * value.element_size()
        header[name] = {"dtype": _DTYPES[value.dtype], "shape": list(value.shape), "data_offsets": [at, end]}
        at = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


_DTYPES = {torch.float32: "F32", torch.bfloat16: "BF16", torch.float16: "F16"}


def config_json(checkpoint: Checkpoint) -> dict[str, Any]:
    """``config.json``."""
    config, prompt = checkpoint.config, checkpoint.config.prompt
    biased = "encoder.layers.0.self_attn.linear_q.bias" in checkpoint.weights
    content: dict[str, Any] = {
        "architectures": ["Nemotron3_5AsrForRNNT" if prompt else "NemotronAsrStreamingForRNNT"],
        "model_type": "nemotron3_5_asr" if prompt else "nemotron_asr_streaming",
        "vocab_size": config.decoder.vocabulary + 1,
        "blank_token_id": config.decoder.vocabulary,
        "decoder_hidden_size": config.decoder.hidden,
        "num_decoder_layers": config.decoder.layers,
        "hidden_act": "relu",
        "max_symbols_per_step": config.decoder.max_symbols,
        "is_encoder_decoder": True,
        "pad_token_id": 0,
        "dtype": "float32",
        "encoder_config": {
            "model_type": "nemotron_asr_streaming_encoder",
            "hidden_size": config.encoder.d_model,
            "num_hidden_layers": config.encoder.layers,
            "num_attention_heads": config.encoder.heads,
            "intermediate_size": config.encoder.d_model * config.encoder.expansion,
            "hidden_act": "silu",
            "attention_bias": biased,
            "convolution_bias": biased,
            "conv_kernel_size": config.encoder.conv_kernel,
            "subsampling_factor": 8,
            "subsampling_conv_channels": config.encoder.conv_channels,
            "num_mel_bins": config.mel.bins,
            "scale_input": config.encoder.scale_input,
            "sliding_window": config.encoder.contexts[0][0] + 1,
            "default_num_lookahead_tokens": config.encoder.contexts[0][1],
            "max_position_embeddings": 5000,
        },
    }
    if prompt:
        inner = len(checkpoint.weights["prompt_kernel.0.bias"])
        content |= {"num_prompts": prompt.size, "prompt_intermediate_size": inner}
        if "auto" in prompt.dictionary:
            content["default_prompt_id"] = prompt.dictionary["auto"]
    return content


def processor_class(checkpoint: Checkpoint) -> str:
    """Name of the class that turns audio into features, and tokens into text."""
    return "Nemotron3_5AsrProcessor" if checkpoint.config.prompt else "NemotronAsrStreamingProcessor"


def processor_json(checkpoint: Checkpoint) -> dict[str, Any]:
    """``processor_config.json``."""
    mel, prompt = checkpoint.config.mel, checkpoint.config.prompt
    rights = [right for _, right in checkpoint.config.encoder.contexts]
    content: dict[str, Any] = {
        "processor_class": processor_class(checkpoint),
        "blank_token": "<blank>",
        "supported_num_lookahead_tokens": rights,
        "default_num_lookahead_tokens": rights[0],
        "feature_extractor": {
            "feature_extractor_type": "NemotronAsrStreamingFeatureExtractor",
            "feature_size": mel.bins,
            "sampling_rate": mel.sample_rate,
            "win_length": mel.window,
            "hop_length": mel.hop,
            "n_fft": mel.n_fft,
            "preemphasis": mel.preemphasis,
            "padding_value": 0.0,
            "mel_filters_dtype": "float32",
        },
    }
    return content | ({"prompt_dictionary": dict(prompt.dictionary), "num_prompts": prompt.size} if prompt else {})


def tokenizer_json(checkpoint: Checkpoint) -> dict[str, Any]:
    """``tokenizer.json``, with the marks that the conversion adds behind the model's own pieces."""
    pieces = checkpoint.pieces
    added = [(index, piece) for index, piece in enumerate(pieces) if piece == "<unk>"]
    added += [(len(pieces), "<pad>"), (len(pieces) + 1, "<blank>")]
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    return {
        "version": "1.0",
        "added_tokens": [{"id": index, "content": content, **flags} for index, content in added],
        "decoder": {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": True},
        "model": _merging(pieces) if checkpoint.scores is None else _unigram(pieces, checkpoint.scores),
    }


def _merging(pieces: tuple[str, ...]) -> dict[str, Any]:
    vocabulary = {piece: index for index, piece in enumerate(pieces)}
    marks = {"unk_token": "<unk>", "fuse_unk": True, "byte_fallback": True}
    return {"type": "BPE", **marks, "vocab": vocabulary, "merges": []}


def _unigram(pieces: tuple[str, ...], scores: tuple[float, ...]) -> dict[str, Any]:
    vocabulary = [list(pair) for pair in zip(pieces, scores, strict=True)]
    return {"type": "Unigram", "unk_id": pieces.index("<unk>"), "vocab": vocabulary, "byte_fallback": False}


def tokenizer_config_json(checkpoint: Checkpoint) -> dict[str, Any]:
    """``tokenizer_config.json``."""
    return {
        "backend": "tokenizers",
        "pad_token": "<pad>",
        "processor_class": processor_class(checkpoint),
        "tokenizer_class": "ParakeetTokenizer",
        "unk_token": "<unk>",
    }

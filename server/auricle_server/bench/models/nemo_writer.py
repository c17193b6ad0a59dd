"""Writes ``.nemo`` archives that NeMo restores, without NeMo: for the benches and for the recipe of the demo models.

An archive is a plain tar file of ``model_config.yaml``, the weights as `torch.save` stores them, and the tokenizer.
"""

from __future__ import annotations

import io
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor

from auricle_server.checkpoints.config import SUBSAMPLING_FACTOR, EncoderConfig, MelConfig, ModelConfig
from auricle_server.checkpoints.nemo.archive import WEIGHTS_NAME
from auricle_server.checkpoints.nemo.members import CONFIG_NAME

NEMO_VERSION = "3.0.0"
TOKENIZER_NAME = "tokenizer.model"
VOCABULARY_NAME = "vocab.txt"
_MODELS, _MODULES = "nemo.collections.asr.models", "nemo.collections.asr.modules"
_PLAIN = f"{_MODELS}.rnnt_bpe_models.EncDecRNNTBPEModel"
_PROMPTED = f"{_MODELS}.rnnt_bpe_models_prompt.EncDecRNNTBPEModelWithPrompt"


def write_archive(
    path: Path, config: ModelConfig, weights: Mapping[str, Tensor], pieces: Sequence[str], sentencepiece: bytes
) -> Path:
    """Writes an archive to `path` and returns `path`. The file appears when it is complete.

    Members have no owner, time or folder, so that the archive depends on its content alone.

    Args:
        path: The new file; its folder exists.
        config: The architecture.
        weights: NeMo's state dict, stored in the dtypes that it has.
        pieces: The vocabulary in the order of the tokens, blank excluded.
        sentencepiece: The serialised SentencePiece model of these pieces.
    """
    part = path.with_suffix(".part")
    with tarfile.open(part, "w") as archive, tempfile.TemporaryFile() as stored:
        tree = yaml.safe_dump(nemo_config(config, pieces), sort_keys=False, allow_unicode=True)
        _add(archive, CONFIG_NAME, tree.encode())
        torch.save({name: value.cpu() for name, value in weights.items()}, stored)
        size = stored.tell()
        stored.seek(0)
        archive.addfile(_member(WEIGHTS_NAME, size), stored)
        _add(archive, TOKENIZER_NAME, sentencepiece)
        _add(archive, VOCABULARY_NAME, "".join(piece + "\n" for piece in pieces).encode())
    return part.replace(path)


def _member(name: str, size: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o644
    return info


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    archive.addfile(_member(name, len(content)), io.BytesIO(content))


def nemo_config(config: ModelConfig, pieces: Sequence[str]) -> dict[str, Any]:
    """NeMo's configuration tree of an architecture; `parse_config` reads it back as the same `ModelConfig`."""
    labels = list(pieces)
    return {
        "target": _PROMPTED if config.prompt else _PLAIN,
        "nemo_version": NEMO_VERSION,
        "sample_rate": config.mel.sample_rate,
        "compute_eval_loss": False,
        "log_prediction": False,
        "skip_nan_grad": False,
        "model_defaults": _defaults(config),
        "tokenizer": {
            "type": "bpe",
            "dir": None,
            "model_path": f"nemo:{TOKENIZER_NAME}",
            "vocab_path": f"nemo:{VOCABULARY_NAME}",
            "spe_tokenizer_vocab": None,
        },
        "preprocessor": _preprocessor(config.mel),
        "encoder": _encoder(config.encoder, config.mel.bins),
        "decoder": _decoder(config),
        "joint": _joint(config, labels),
        "decoding": {"strategy": "greedy_batch", "greedy": {"max_symbols": config.decoder.max_symbols}},
        "loss": {"loss_name": "default", "warprnnt_numba_kwargs": {"fastemit_lambda": 0.0, "clamp": -1.0}},
        "labels": labels,
    }


def _defaults(config: ModelConfig) -> dict[str, Any]:
    sizes = {
        "enc_hidden": config.encoder.d_model,
        "pred_hidden": config.decoder.hidden,
        "joint_hidden": config.decoder.joint,
    }
    if config.prompt is None:
        return sizes
    prompts = {"num_prompts": config.prompt.size, "prompt_dictionary": dict(config.prompt.dictionary)}
    return {**sizes, "initialize_prompt_feature": True, **prompts}


def _preprocessor(mel: MelConfig) -> dict[str, Any]:
    return {
        "_target_": f"{_MODULES}.AudioToMelSpectrogramPreprocessor",
        "sample_rate": mel.sample_rate,
        "normalize": "NA",
        "window_size": mel.window / mel.sample_rate,
        "window_stride": mel.hop / mel.sample_rate,
        "window": "hann",
        "features": mel.bins,
        "n_fft": mel.n_fft,
        "preemph": mel.preemphasis,
        "log": True,
        "frame_splicing": 1,
        "dither": 0.0,
        "pad_to": 0,
    }


def _encoder(encoder: EncoderConfig, bins: int) -> dict[str, Any]:
    return {
        "_target_": f"{_MODULES}.ConformerEncoder",
        "feat_in": bins,
        "feat_out": -1,
        "n_layers": encoder.layers,
        "d_model": encoder.d_model,
        "use_bias": False,
        "subsampling": "dw_striding",
        "subsampling_factor": SUBSAMPLING_FACTOR,
        "subsampling_conv_channels": encoder.conv_channels,
        "causal_downsampling": True,
        "ff_expansion_factor": encoder.expansion,
        "self_attention_model": "rel_pos",
        "n_heads": encoder.heads,
        "att_context_size": [list(context) for context in encoder.contexts],
        "att_context_style": "chunked_limited",
        "xscaling": encoder.scale_input,
        "untie_biases": True,
        "pos_emb_max_len": 5000,
        "conv_kernel_size": encoder.conv_kernel,
        "conv_norm_type": "layer_norm",
        "conv_context_size": "causal",
        "dropout": 0.1,
        "dropout_pre_encoder": 0.1,
        "dropout_emb": 0.0,
        "dropout_att": 0.1,
    }


def _decoder(config: ModelConfig) -> dict[str, Any]:
    decoder = config.decoder
    return {
        "_target_": f"{_MODULES}.RNNTDecoder",
        "normalization_mode": None,
        "random_state_sampling": False,
        "blank_as_pad": True,
        "vocab_size": decoder.vocabulary,
        "prednet": {
            "pred_hidden": decoder.hidden,
            "pred_rnn_layers": decoder.layers,
            "t_max": None,
            "dropout": 0.1,
        },
    }


def _joint(config: ModelConfig, labels: list[str]) -> dict[str, Any]:
    decoder = config.decoder
    return {
        "_target_": f"{_MODULES}.RNNTJoint",
        "log_softmax": None,
        "preserve_memory": False,
        "fuse_loss_wer": True,
        "fused_batch_size": 4,
        "num_classes": decoder.vocabulary,
        "vocabulary": labels,
        "jointnet": {
            "encoder_hidden": config.encoder.d_model,
            "pred_hidden": decoder.hidden,
            "joint_hidden": decoder.joint,
            "activation": "relu",
            "dropout": 0.1,
        },
    }

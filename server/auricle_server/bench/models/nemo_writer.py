"""Writes ``.nemo`` archives that NeMo restores, without NeMo: for the benches and for the recipe of the demo models.

An archive is a tar file of ``model_config.yaml``, the weights as `torch.save` stores them, and the tokenizer.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import torch
import yaml
from sentencepiece import SentencePieceProcessor
from torch import Tensor

from auricle_server.bench.models.parallel_gzip import compress
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
    path: Path,
    tree: Mapping[str, Any],
    weights: Mapping[str, Tensor],
    sentencepiece: bytes,
    *,
    folder: bool = False,
    gzipped: bool = False,
) -> Path:
    """Writes an archive to `path` and returns `path`. The file appears when it is complete.

    Members come in the order in which NeMo adds them, and have no owner and no time, so that the archive depends on its
    content alone.

    Args:
        path: The new file; its folder exists.
        tree: NeMo's configuration; its section ``tokenizer`` names the members with the tokenizer.
        weights: NeMo's state dict, stored in the dtypes that it has.
        sentencepiece: The serialised SentencePiece model.
        folder: Whether the members lie in the folder ``.``, as NeMo puts them.
        gzipped: Whether to compress the archive, as NVIDIA did that of its multilingual model.
    """
    part = path.with_suffix(".part")
    with part.open("wb") as stream, tarfile.open(fileobj=stream, mode="w") as archive:
        prefix = _add_folder(archive) if folder else ""
        for name, content in sorted(_tokenizer_files(tree, sentencepiece).items()):
            _add(archive, prefix + name, content)
        text = yaml.dump(dict(tree), Dumper=_Dumper, sort_keys=False, allow_unicode=True)
        _add(archive, prefix + CONFIG_NAME, text.encode())
        _add_weights(archive, stream, prefix + WEIGHTS_NAME, weights)
    if gzipped:
        plain = part.rename(path.with_suffix(".tar"))
        compress(plain, part)
        plain.unlink()
    return part.replace(path)


def _add_folder(archive: tarfile.TarFile) -> str:
    folder = tarfile.TarInfo(".")
    folder.type, folder.mode = tarfile.DIRTYPE, 0o755
    archive.addfile(folder)
    return "./"


_Dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
"""libyaml's: 13,087 pieces, listed twice, take a second less."""


def _tokenizer_files(tree: Mapping[str, Any], sentencepiece: bytes) -> dict[str, bytes]:
    """The files that the configuration names, by their names."""
    processor = SentencePieceProcessor(model_proto=sentencepiece)
    scored = [(processor.id_to_piece(at), processor.get_score(at)) for at in range(processor.get_piece_size())]
    contents = {
        "model_path": sentencepiece,
        "vocab_path": "".join(f"{piece}\n" for piece, _ in scored).encode(),
        "spe_tokenizer_vocab": "".join(f"{piece}\t{score:g}\n" for piece, score in scored).encode(),
    }
    named = {key: tree["tokenizer"].get(key) for key in contents}
    return {name.removeprefix("nemo:"): contents[key] for key, name in named.items() if name}


def _member(name: str, size: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o644
    return info


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    archive.addfile(_member(name, len(content)), io.BytesIO(content))


def _add_weights(archive: tarfile.TarFile, stream: BinaryIO, name: str, weights: Mapping[str, Tensor]) -> None:
    """Stores the weights as the next member, whose size is known only afterwards: no second copy of gigabytes."""
    header = archive.offset
    stream.seek(header + tarfile.BLOCKSIZE)
    torch.save({key: value.cpu() for key, value in weights.items()}, stream)
    size = stream.tell() - header - tarfile.BLOCKSIZE
    stream.write(bytes(-size % tarfile.BLOCKSIZE))
    stream.seek(header)
    stream.write(_member(name, size).tobuf(tarfile.USTAR_FORMAT))
    stream.seek(0, io.SEEK_END)
    archive.offset = stream.tell()


def nemo_config(config: ModelConfig, pieces: Sequence[str]) -> dict[str, Any]:
    """NeMo's configuration tree of an architecture; `parse_config` reads it back as the same `ModelConfig`."""
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
        "joint": _joint(config, list(pieces)),
        "decoding": {"strategy": "greedy_batch", "greedy": {"max_symbols": config.decoder.max_symbols}},
        "loss": {"loss_name": "default", "warprnnt_numba_kwargs": {"fastemit_lambda": 0.0, "clamp": -1.0}},
        "labels": list(pieces),
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

"""From a name or a path to weights that the engine can compute with."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from auricle_server.checkpoints.bundled import BUNDLED
from auricle_server.checkpoints.calibrations import read_calibration
from auricle_server.checkpoints.config import ModelConfig
from auricle_server.checkpoints.errors import BadCheckpoint, CheckpointNotFound
from auricle_server.checkpoints.features import hann_window, mel_filters
from auricle_server.checkpoints.folding import fold_batch_norms
from auricle_server.checkpoints.hub.cache import parse
from auricle_server.checkpoints.hub.download import fetch
from auricle_server.checkpoints.nemo.archive import read_archive, read_unpacked
from auricle_server.checkpoints.nemo.members import CONFIG_NAME
from auricle_server.checkpoints.raw import RawCheckpoint
from auricle_server.checkpoints.safetensors.config import holds_safetensors
from auricle_server.checkpoints.safetensors.folder import read_folder
from auricle_server.text.calibration import WordCalibration

log = logging.getLogger(__name__)

_PARTS = ("preprocessor.", "encoder.", "decoder.", "joint.", "prompt_kernel.")
"""What the engine computes with, by the start of the parameters' names."""
_FILTERS, _WINDOW = "preprocessor.featurizer.fb", "preprocessor.featurizer.window"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A model, ready for the engine.

    Attributes:
        name: How users name it.
        config: Architecture and features.
        weights: fp32 parameters by NeMo's names; those stored in fp32 are mapped from the file where possible.
        pieces: Token strings by id, blank excluded; U+2581 marks the start of a word.
        words: What makes its word times and confidences right; None where nobody has measured it.
    """

    name: str
    config: ModelConfig
    weights: dict[str, torch.Tensor]
    pieces: tuple[str, ...]
    words: WordCalibration | None = None


def load_checkpoint(name: str) -> Checkpoint:
    """Loads a bundled model (``demo``), a ``.nemo`` file, a folder, or a Hugging Face id.

    A folder holds one ``.nemo`` file, or what one unpacks to, or what `transformers` saves (safetensors).

    Raises:
        CheckpointNotFound: There is no such thing, or the hub cannot be reached.
        BadCheckpoint: It is there but is no checkpoint, or a damaged one.
        UnsupportedModel: A checkpoint of a model that this engine does not run.
    """
    path = locate(name)
    return replace(interpret(name, read_checkpoint(path)), words=read_calibration(path))


def locate(name: str) -> Path:
    """Path of the checkpoint that `name` stands for; a hub id is fetched into the local cache."""
    if name in BUNDLED:
        return BUNDLED[name]
    path = Path(name).expanduser()
    if path.exists():
        return path
    if path.suffix != ".nemo" and (repository := parse(name)):
        return fetch(repository)
    raise CheckpointNotFound(
        f"{name}: no such file or folder, nor a bundled model ({', '.join(BUNDLED)}), nor a hub id like owner/model"
    )


def read_checkpoint(path: Path) -> RawCheckpoint:
    """Reads a ``.nemo`` file, a safetensors file with its folder, or a folder with either.

    Raises:
        CheckpointNotFound: There is nothing at `path`, or a folder without a checkpoint.
        BadCheckpoint: Not a checkpoint, or damaged.
        UnsupportedModel: A checkpoint of a model that this engine does not run.
    """
    if path.is_dir():
        return _read_folder(path)
    if not path.is_file():
        raise CheckpointNotFound(f"{path}: no such file or folder")
    return read_folder(path.parent) if path.suffix == ".safetensors" else read_archive(path)


def _read_folder(folder: Path) -> RawCheckpoint:
    if (folder / CONFIG_NAME).is_file():
        return read_unpacked(folder)
    archives = sorted(folder.glob("*.nemo"))
    if len(archives) == 1:
        return read_archive(archives[0])
    if not archives and holds_safetensors(folder):
        return read_folder(folder)
    found = f"{len(archives)} .nemo files" if archives else "neither a .nemo file nor a model_config.yaml"
    raise CheckpointNotFound(
        f"{folder} holds {found}; name the one .nemo file, the folder of an unpacked one, or one with model.safetensors"
    )


def interpret(name: str, raw: RawCheckpoint) -> Checkpoint:
    """Checks a raw checkpoint against its own configuration; its weights move to the result."""
    config = raw.config
    if len(raw.pieces) != config.decoder.vocabulary:
        raise BadCheckpoint(
            f"{name}: the tokenizer has {len(raw.pieces)} pieces, the joint {config.decoder.vocabulary}"
        )
    if any(key.startswith("ctc_decoder.") for key in raw.weights):
        log.info("%s is a hybrid: its transducer is run, its CTC head is left out", name)
    return Checkpoint(name, config, _widened(raw.weights, config), raw.pieces)


def _widened(stored: dict[str, torch.Tensor], config: ModelConfig) -> dict[str, torch.Tensor]:
    """The engine's parameters in fp32; each is let go where it was stored before the next one is widened."""
    weights = {}
    for key in list(stored):
        value = stored.pop(key)
        if value.is_floating_point() and key.startswith(_PARTS):
            weights[key] = value.float()
    if not config.encoder.conv_norm:
        fold_batch_norms(weights, config.encoder.layers)
    if _FILTERS not in weights:
        weights[_FILTERS] = mel_filters(config.mel)[None]
    return {_WINDOW: hann_window(config.mel), **weights}

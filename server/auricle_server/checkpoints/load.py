"""From a name or a path to weights that the engine can compute with."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from auricle_server.checkpoints.calibrations import read_calibration
from auricle_server.checkpoints.config import ModelConfig
from auricle_server.checkpoints.errors import BadCheckpoint, CheckpointNotFound
from auricle_server.checkpoints.formats import StoredAs, find_checkpoint
from auricle_server.checkpoints.hub.cache import parse
from auricle_server.checkpoints.hub.download import fetch
from auricle_server.checkpoints.hub.short_names import SHORT_NAMES
from auricle_server.checkpoints.known.bundled import BUNDLED
from auricle_server.checkpoints.known.lookup import profile_of
from auricle_server.checkpoints.known.profiles import ModelProfile
from auricle_server.checkpoints.latencies import with_profile
from auricle_server.checkpoints.nemo.archive import read_archive, read_unpacked
from auricle_server.checkpoints.progress import LoggedProgress, Report, prefixed, silent
from auricle_server.checkpoints.safetensors.folder import read_folder
from auricle_server.checkpoints.weights import PARTS, StoredCheckpoint, engine_weights
from auricle_server.text.calibration import WordCalibration

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A model, ready for the engine.

    Attributes:
        name: How users name it.
        config: Architecture and features.
        weights: fp32 parameters by NeMo's names, mapped from the file where possible, and converted when looked up.
        pieces: Token strings by id, blank excluded; U+2581 marks the start of a word.
        scores: Logarithms of the pieces' probabilities, of a Unigram tokenizer; None with BPE, where ids say the order
            of merges.
        words: Corrects its word times and confidences; None where it was not measured.
        profile: What is known of it as a published model; None for others.
    """

    name: str
    config: ModelConfig
    weights: Mapping[str, torch.Tensor]
    pieces: tuple[str, ...]
    scores: tuple[float, ...] | None = None
    words: WordCalibration | None = None
    profile: ModelProfile | None = None


def load_checkpoint(name: str, report: Report | None = None) -> Checkpoint:
    """Loads a bundled model (``demo``), a ``.nemo`` file, a folder, or a Hugging Face id.

    A folder holds what `transformers` saves (safetensors), one ``.nemo`` file, or what one unpacks to.

    Args:
        name: As users give it.
        report: Receives the progress of a download, and of unpacking a gzipped archive; None logs it.

    Raises:
        CheckpointNotFound: The name stands for nothing, or the hub cannot be reached.
        BadCheckpoint: It is not a checkpoint, or a damaged one.
        UnsupportedModel: A checkpoint of a model that this engine does not run.
        DownloadFailed: It was not downloaded completely.
        UnpackFailed: It is gzipped, and the cache has no room for its content.
    """
    report = report or LoggedProgress()
    path = locate(name, report)
    checkpoint, profile = interpret(name, read_checkpoint(path, report)), profile_of(name, path)
    config = with_profile(checkpoint.config, profile)
    return replace(checkpoint, config=config, words=read_calibration(path), profile=profile)


def locate(name: str, report: Report = silent) -> Path:
    """Path of the checkpoint that `name` stands for; a hub id is downloaded to the local cache."""
    if name in BUNDLED:
        return BUNDLED[name]
    path = Path(name).expanduser()
    if path.exists():
        return path
    if path.suffix.lower() != ".nemo" and (repository := parse(name)):
        return fetch(repository, prefixed("downloading", report))
    raise CheckpointNotFound(
        f"{name}: no such file or folder, nor a bundled model ({', '.join(BUNDLED)}), nor a short name "
        f"({', '.join(SHORT_NAMES)}), nor a hub id like owner/model"
    )


def read_checkpoint(path: Path, report: Report = silent) -> StoredCheckpoint:
    """Reads a ``.nemo`` file, a safetensors file with its folder, or a folder with either.

    Raises:
        CheckpointNotFound: `path` does not exist, or is a folder without a checkpoint.
        BadCheckpoint: Not a checkpoint, or damaged.
        UnsupportedModel: A checkpoint of a model that this engine does not run.
    """
    form, origin = find_checkpoint(path)
    if form is StoredAs.SAFETENSORS:
        return read_folder(origin)
    if form is StoredAs.UNPACKED:
        return read_unpacked(origin)
    return read_archive(origin, prefixed("unpacking", report))


def interpret(name: str, stored: StoredCheckpoint) -> Checkpoint:
    """Checks a stored checkpoint against its own configuration."""
    config = stored.config
    if len(stored.pieces) != config.decoder.vocabulary:
        raise BadCheckpoint(
            f"{name}: the tokenizer has {len(stored.pieces)} pieces, the joint {config.decoder.vocabulary}"
        )
    _check_depth(config, stored.weights)
    _report_others(name, {key.partition(".")[0] for key in stored.weights} - PARTS)
    return Checkpoint(name, config, engine_weights(stored.weights, config), stored.pieces, stored.scores)


def _report_others(name: str, parts: set[str]) -> None:
    """Says which parts of a model are left out beside those that the engine computes with."""
    if "ctc_decoder" in parts:
        log.info("%s is a hybrid model: its transducer runs, its CTC head is left out", name)
    if others := sorted(parts - {"ctc_decoder"}):
        log.warning("%s has parts beside its transducer, which are left out: %s", name, ", ".join(others)[:200])


def _check_depth(config: ModelConfig, weights: Mapping[str, torch.Tensor]) -> None:
    """Refuses weights of more layers than the configuration says: without the last ones the words would be wrong."""
    layers, lstm = config.encoder.layers, config.decoder.layers
    if any(name.startswith(f"encoder.layers.{layers}.") for name in weights):
        raise BadCheckpoint(f"encoder.n_layers is {layers}, and the weights have more layers")
    if f"decoder.prediction.dec_rnn.lstm.weight_ih_l{lstm}" in weights:
        raise BadCheckpoint(f"decoder.prednet.pred_rnn_layers is {lstm}, and the weights have more layers")

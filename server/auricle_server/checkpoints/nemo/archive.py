"""Reads NeMo's checkpoint format without NeMo: a ``.nemo`` archive or the folder that it unpacks to.

The archive is a tar file (plain or gzipped) of ``model_config.yaml``, ``model_weights.ckpt`` and the SentencePiece
tokenizer under a name that the configuration gives. Nothing is executed, and weights are mapped, not read; a gzipped
archive is unpacked to the local cache for that, once.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from auricle_server.checkpoints.config import parse_config
from auricle_server.checkpoints.errors import BadCheckpoint, CheckpointError
from auricle_server.checkpoints.nemo.bounded_streams import UNREADABLE
from auricle_server.checkpoints.nemo.mapped_weights import NotMappable, map_weights
from auricle_server.checkpoints.nemo.members import (
    FileSpan,
    Folder,
    Members,
    opened,
)
from auricle_server.checkpoints.nemo.model_tree import read_tokenizer, read_tree
from auricle_server.checkpoints.nemo.unpacked_archive import is_gzipped, unpack
from auricle_server.checkpoints.parsing.foreign_files import foreign_content, unreadable
from auricle_server.checkpoints.progress import Report, silent
from auricle_server.checkpoints.tokenizer import sentencepiece_pieces, sentencepiece_scores
from auricle_server.checkpoints.weights import StoredCheckpoint, StoredTensor, StoredWeights

WEIGHTS_NAME = "model_weights.ckpt"


def read_archive(path: Path, report: Report = silent) -> StoredCheckpoint:
    """Reads a ``.nemo`` file.

    Args:
        path: The file.
        report: Receives the progress of unpacking a gzipped one.

    Raises:
        BadCheckpoint: Not a checkpoint, or damaged.
        UnsupportedModel: A checkpoint of a model that this engine does not run.
        UnpackFailed: It is gzipped, and the disk is full or the cache cannot be written to.
    """
    try:
        plain = unpack(path, report) if is_gzipped(path) else path
        with opened(plain) as members:
            return _read(str(path), members)
    except UNREADABLE as error:
        raise BadCheckpoint(
            unreadable(
                path, f"is not a readable .nemo archive ({error}); if it was downloaded or copied, it may be cut short"
            )
        ) from error


def read_unpacked(folder: Path) -> StoredCheckpoint:
    """Reads the folder that a ``.nemo`` file unpacks to. Raises like `read_archive`."""
    try:
        return _read(str(folder), Folder(folder))
    except UNREADABLE as error:
        raise BadCheckpoint(f"{folder} is not a readable checkpoint ({error})") from error


def _read(origin: str, members: Members) -> StoredCheckpoint:
    raw = read_tree(origin, members)
    config = parse_config(raw)  # refuses an unsuitable model before anything large is read
    model = read_tokenizer(origin, raw, config.decoder.vocabulary, members)
    pieces = sentencepiece_pieces(model)
    return StoredCheckpoint(config, _read_weights(origin, members), pieces, sentencepiece_scores(model))


def _read_weights(origin: str, members: Members) -> StoredWeights:
    span = members.span(WEIGHTS_NAME)
    try:
        weights = _streamed(members) if span is None else _mapped(span, members)
    except CheckpointError:
        raise
    # A pickle that anybody may have written makes its reader raise anything.
    except Exception as error:
        why = _foreign_weights(members) or f"cannot be read as weights: {error!s:.300}"
        raise BadCheckpoint(f"{origin}: {WEIGHTS_NAME} {why}") from error
    if not isinstance(weights, dict) or not all(map(_is_parameter, weights.keys(), weights.values())):
        why = _foreign_weights(members) or "is not a dictionary of tensors"
        raise BadCheckpoint(f"{origin}: {WEIGHTS_NAME} {why}")
    return StoredWeights({_name(name, weights): value for name, value in weights.items()})


def _foreign_weights(members: Members) -> str | None:
    """What the weights are instead, where they are no ordinary ones: those of a training, a pointer, and so on."""
    with members.open(WEIGHTS_NAME) as stream:
        what = foreign_content(stream)
    return None if what is None or "torch.save" in what else f"is {what}"


def _name(name: str, weights: Mapping[str, Any]) -> str:
    """The name that NeMo gives a parameter of a joint with dropout; without, the output layer is one place further up.

    NeMo: `RNNTJoint._joint_net_modules`.
    """
    without_dropout = "joint.joint_net.2.weight" not in weights
    return name.replace("joint.joint_net.1.", "joint.joint_net.2.") if without_dropout else name


def _is_parameter(name: Any, value: Any) -> bool:
    """Whether it is a name and an ordinary tensor: not sparse, not quantized, and with content."""
    if isinstance(value, torch.Tensor):
        return isinstance(name, str) and value.layout is torch.strided and value.is_cpu and not value.is_quantized
    return isinstance(name, str) and isinstance(value, StoredTensor)


def _mapped(span: FileSpan, members: Members) -> Any:
    try:
        return map_weights(span)
    except NotMappable:
        return _streamed(members)


def _streamed(members: Members) -> Any:
    with members.open(WEIGHTS_NAME) as stream:
        return torch.load(stream, map_location="cpu", weights_only=True)

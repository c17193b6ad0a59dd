"""From a name or a path to weights that the engine can compute with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import sentencepiece
import torch

from auricle_server.checkpoints import hub
from auricle_server.checkpoints.archive import RawCheckpoint, read_checkpoint
from auricle_server.checkpoints.config import ModelConfig, parse_config
from auricle_server.checkpoints.errors import BadCheckpoint, CheckpointNotFound

BUNDLED = {"demo": Path(__file__).parent / "demo" / "demo_en.nemo"}
"""Models that come with the package, by name."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A model, ready for the engine.

    Attributes:
        name: How users name it.
        config: Architecture and features.
        weights: fp32 parameters by NeMo's names.
        pieces: Token strings by id, blank excluded; U+2581 marks the start of a word.
    """

    name: str
    config: ModelConfig
    weights: dict[str, torch.Tensor]
    pieces: tuple[str, ...]


def load_checkpoint(name: str) -> Checkpoint:
    """Loads a bundled model (``demo``), a ``.nemo`` file, a folder, or a Hugging Face id.

    Raises:
        CheckpointNotFound: There is no such thing, or the hub cannot be reached.
        BadCheckpoint: It is there but is no checkpoint, or a damaged one.
        UnsupportedModel: A checkpoint of a model that this engine does not run.
    """
    return interpret(name, read_checkpoint(locate(name)))


def locate(name: str) -> Path:
    """Path of the checkpoint that `name` stands for; a hub id is fetched into the local cache."""
    if name in BUNDLED:
        return BUNDLED[name]
    path = Path(name).expanduser()
    if path.exists():
        return path
    if hub.looks_like_repo_id(name) and path.suffix != ".nemo":
        return hub.fetch(name)
    raise CheckpointNotFound(
        f"{name}: no such file or folder, nor a bundled model ({', '.join(BUNDLED)}), nor a hub id like owner/model"
    )


def interpret(name: str, raw: RawCheckpoint) -> Checkpoint:
    """Checks a raw checkpoint against its own configuration."""
    config = parse_config(raw.config)
    pieces = _pieces(raw.tokenizer)
    if len(pieces) != config.decoder.vocabulary:
        raise BadCheckpoint(f"{name}: the tokenizer has {len(pieces)} pieces, the joint {config.decoder.vocabulary}")
    weights = {key: value.float() for key, value in raw.weights.items() if value.is_floating_point()}
    return Checkpoint(name, config, weights, pieces)


def _pieces(model: bytes) -> tuple[str, ...]:
    try:
        processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    except RuntimeError as error:
        raise BadCheckpoint(f"the tokenizer is not a SentencePiece model: {error}") from error
    return tuple(processor.id_to_piece(index) for index in range(processor.get_piece_size()))

"""Files that equal those of the published checkpoints in all but the values: shapes, names, configuration, container.

The values are random (`random_weights`), and so are the pieces of the vocabulary (`random_vocabulary`).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from auricle_server.bench.models.blank_bias import BIAS
from auricle_server.bench.models.nemo_writer import nemo_config, write_archive
from auricle_server.bench.models.random_vocabulary import RandomVocabulary, sentencepiece_model
from auricle_server.bench.models.random_weights import random_weights_of
from auricle_server.bench.models.shapes import PUBLISHED, SHAPES, published_tree
from auricle_server.bench.models.transformers_writer import write_folder
from auricle_server.checkpoints.config import ModelConfig
from auricle_server.checkpoints.load import Checkpoint

GZIPPED = ("3.5",)
"""The published models whose archive is compressed."""
_BLANK_BIAS = {"en": 4.6, "3.5": 3.0}
"""Bias of blank at which speech yields some tokens a second, with two layers and with all."""


def replica(name: str, *, layers: int | None = None, seed: int = 0) -> Checkpoint:
    """A model that equals a published one in all but its values.

    Args:
        name: As in `PUBLISHED`.
        layers: Layers of the encoder; None takes all 24 of them, 2.5 GB.
        seed: The same seed gives the same values.
    """
    config = SHAPES[name]
    if layers is not None:
        config = replace(config, encoder=replace(config.encoder, layers=layers))
    checkpoint = random_weights_of(f"replica-{name}", config, seed=seed)
    checkpoint.weights[BIAS][-1] = _BLANK_BIAS[name]
    return checkpoint


def write_nemo(checkpoint: Checkpoint, path: Path, *, gzipped: bool = False) -> Path:
    """Writes a model as a ``.nemo`` archive to `path`, which it returns.

    Its configuration is the published one where the model has that architecture, with any number of layers.
    """
    vocabulary = RandomVocabulary(checkpoint.pieces, checkpoint.scores)
    tree = _tree(checkpoint.config, checkpoint.pieces)
    model = sentencepiece_model(vocabulary)
    return write_archive(path, tree, checkpoint.weights, model, folder=True, gzipped=gzipped)


def _tree(config: ModelConfig, pieces: tuple[str, ...]) -> dict[str, Any]:
    for name in PUBLISHED:
        published = SHAPES[name]
        if replace(config, encoder=replace(config.encoder, layers=published.encoder.layers)) == published:
            tree = published_tree(name)
            tree["encoder"]["n_layers"] = config.encoder.layers
            # Two lists: of one list YAML would store the second time a reference.
            tree["labels"], tree["joint"]["vocabulary"] = list(pieces), list(pieces)
            return tree
    return nemo_config(config, pieces)


def write_replica(name: str, folder: Path, *, form: str, layers: int | None = None) -> Path:
    """Writes a replica as it is published, and returns what `--model` takes.

    Args:
        name: As in `PUBLISHED`.
        folder: Where to; it exists.
        form: ``nemo`` or ``safetensors``.
        layers: See `replica`.
    """
    checkpoint = replica(name, layers=layers)
    if form == "nemo":
        return write_nemo(checkpoint, folder / f"{name}.nemo", gzipped=name in GZIPPED)
    return write_folder(checkpoint, folder / name)

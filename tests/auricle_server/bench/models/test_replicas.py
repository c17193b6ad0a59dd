"""Replicas equal the published files in shapes, names and sizes: computed from one and two layers of the 24."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
import torch

from auricle_server.bench.models.replicas import replica, write_replica
from auricle_server.bench.models.shapes import PUBLISHED, SHAPES
from auricle_server.bench.models.transformers_writer import MODEL, safetensors_header, their_weights
from auricle_server.checkpoints.known.lookup import profile_of
from auricle_server.checkpoints.load import Checkpoint, load_checkpoint
from tests.support.archives import raw_config
from tests.support.published import REPOSITORIES, TENSORS, VALUES, published_bytes

FEATURES = 2
LAYERS = 24


@pytest.fixture(scope="module", params=PUBLISHED)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def small(name: str) -> Checkpoint:
    return replica(name, layers=1)


@pytest.fixture(scope="module")
def archive(name: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_replica(name, tmp_path_factory.mktemp("archive"), form="nemo", layers=1)


@pytest.fixture(scope="module")
def repository(name: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_replica(name, tmp_path_factory.mktemp("repository"), form="safetensors", layers=1)


def full_size(small: Checkpoint) -> dict[str, torch.Tensor]:
    """The parameters of all layers, which take no memory."""
    shapes = dict(small.weights)
    first = [key for key in shapes if key.startswith("encoder.layers.0.")]
    for layer in range(1, LAYERS):
        shapes |= {key.replace(".0.", f".{layer}.", 1): shapes[key] for key in first}
    return {key: value.to("meta") for key, value in shapes.items()}


def test_the_profile_names_the_same_contexts(name: str) -> None:
    profile = profile_of(REPOSITORIES[name])
    assert profile is not None
    assert tuple(right for _, right in SHAPES[name].encoder.contexts) == tuple(profile.right_contexts)


def test_tensors_and_values_are_as_many_as_published(name: str, small: Checkpoint) -> None:
    weights = full_size(small)
    assert len(weights) == TENSORS[name]
    assert sum(value.numel() for value in weights.values()) == VALUES[name]


def test_safetensors_are_as_large_as_published_to_the_byte(name: str, small: Checkpoint) -> None:
    whole = Checkpoint(name, SHAPES[name], full_size(small), small.pieces)
    weights = their_weights(whole)
    assert len(weights) == TENSORS[name] - FEATURES
    size = len(safetensors_header(weights)) + 4 * sum(value.numel() for value in weights.values())
    assert size == published_bytes(name, ".safetensors")


@pytest.mark.parametrize("form", ["archive", "repository"])
def test_a_small_one_loads(name: str, small: Checkpoint, form: str, request: pytest.FixtureRequest) -> None:
    loaded = load_checkpoint(str(request.getfixturevalue(form)))
    assert loaded.config == small.config
    assert loaded.pieces == small.pieces
    assert (loaded.scores is None) == (name == "en")
    assert loaded.weights.keys() == small.weights.keys()
    assert all(torch.equal(loaded.weights[key], value) for key, value in small.weights.items() if "fb" not in key)


def test_the_archive_is_packed_as_published(name: str, archive: Path) -> None:
    assert (archive.read_bytes()[:2] == b"\x1f\x8b") == (name == "3.5")
    if name == "3.5":
        with gzip.open(archive) as stream:
            assert stream.read(2) == b"./"  # the first member is the folder
    tree = raw_config(archive)
    assert len(tree["labels"]) == len(tree["joint"]["vocabulary"]) == SHAPES[name].decoder.vocabulary
    assert tree["tokenizer"]["model_path"].endswith("_tokenizer.model")
    assert tree["encoder"]["n_layers"] == 1


def test_the_folder_says_what_the_published_one_says(name: str, repository: Path) -> None:
    assert (repository / MODEL).is_file()
    config, processor, tokenizer = (
        json.loads((repository / f"{part}.json").read_text()) for part in ("config", "processor_config", "tokenizer")
    )
    first, rights = {"en": (13, [13, 6, 1, 0]), "3.5": (3, [3, 0, 6, 13])}[name]
    assert config["encoder_config"]["default_num_lookahead_tokens"] == first
    assert processor["supported_num_lookahead_tokens"] == rights
    assert config["vocab_size"] == SHAPES[name].decoder.vocabulary + 1
    assert tokenizer["model"]["type"] == {"en": "BPE", "3.5": "Unigram"}[name]
    if name == "3.5":
        assert config["default_prompt_id"] == 101
        assert len(processor["prompt_dictionary"]) == 121

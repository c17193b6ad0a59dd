"""Random models: as large as the real ones, as talkative, and readable by everybody."""

from __future__ import annotations

import pytest
import torch

from auricle_server.bench.models.random_weights import parameters, random_checkpoint
from auricle_server.checkpoints.features import mel_filters
from auricle_server.checkpoints.load import Checkpoint, load_checkpoint


@pytest.fixture(scope="module")
def small() -> Checkpoint:
    return random_checkpoint("demo")


def test_filters_are_those_of_a_real_checkpoint() -> None:
    demo = load_checkpoint("demo")
    found = mel_filters(demo.config.mel)
    assert torch.allclose(found, demo.weights["preprocessor.featurizer.fb"][0], atol=1e-6)


def test_shape_names_and_sizes_are_those_of_a_real_checkpoint(small: Checkpoint) -> None:
    demo = load_checkpoint("demo")
    assert small.config == demo.config
    assert {name: value.shape for name, value in small.weights.items()} == {
        name: value.shape for name, value in demo.weights.items()
    }


def test_the_middle_one_has_120_million_parameters() -> None:
    assert 110 < parameters(random_checkpoint("120m")) / 1e6 < 130


def test_a_seed_gives_the_same_weights(small: Checkpoint) -> None:
    again, other = random_checkpoint("demo"), random_checkpoint("demo", seed=1)
    name = "encoder.layers.3.self_attn.linear_q.weight"
    assert torch.equal(again.weights[name], small.weights[name])
    assert not torch.equal(other.weights[name], small.weights[name])

"""Random models: as large as the real ones, as talkative, and readable by everybody."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import sentencepiece
import torch

from auricle_server.bench.models import random_weights
from auricle_server.bench.models.bench_models import write_model
from auricle_server.bench.models.blank_bias import TOKENS_PER_SECOND, calibrate
from auricle_server.bench.models.random_vocabulary import pieces, sentencepiece_model
from auricle_server.bench.models.random_weights import parameters, random_checkpoint
from auricle_server.bench.models.shapes import SHAPES
from auricle_server.checkpoints.config import PromptConfig
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


@pytest.mark.parametrize("name", ["en", "3.5"])
def test_the_large_ones_have_600_million(name: str) -> None:
    """Counted by hand, without drawing gigabytes."""
    encoder = SHAPES[name].encoder
    blocks = encoder.layers * (16 + 8) * encoder.d_model**2
    assert 590 < blocks / 1e6 < 620


def test_a_seed_gives_the_same_weights(small: Checkpoint) -> None:
    again, other = random_checkpoint("demo"), random_checkpoint("demo", seed=1)
    name = "encoder.layers.3.self_attn.linear_q.weight"
    assert torch.equal(again.weights[name], small.weights[name])
    assert not torch.equal(other.weights[name], small.weights[name])


def test_calibrated_models_speak_at_the_pace_of_people(small: Checkpoint) -> None:
    _, rate = calibrate(small, device="cpu")
    assert rate == pytest.approx(TOKENS_PER_SECOND, rel=0.35)


@pytest.mark.parametrize("prompted", [False, True])
def test_an_archive_is_read_back_as_it_was(
    small: Checkpoint, prompted: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = small
    if prompted:
        config = replace(small.config, prompt=PromptConfig(size=128, dictionary={"en-US": 0, "auto": 101}))
        monkeypatch.setattr(random_weights, "SHAPES", {"small": config})
        checkpoint = random_checkpoint("small")
    read = load_checkpoint(str(write_model(checkpoint, tmp_path / "a.nemo")))
    assert read.config == checkpoint.config
    assert read.pieces == checkpoint.pieces
    assert read.weights.keys() == checkpoint.weights.keys()
    assert all(torch.equal(read.weights[name], value) for name, value in checkpoint.weights.items())
    assert parameters(read) == parameters(checkpoint)


@pytest.mark.parametrize("count", [256, 1024, 13087])
def test_a_vocabulary_of_any_size(count: int) -> None:
    prompt = SHAPES["3.5"].prompt
    found = pieces(count, prompt)
    assert len(set(found)) == len(found) == count
    processor = sentencepiece.SentencePieceProcessor(model_proto=sentencepiece_model(found))
    assert processor.get_piece_size() == count
    assert tuple(map(processor.id_to_piece, range(count))) == found
    assert processor.unk_id() == 0
    assert processor.decode([found.index("▁ab"), found.index("ab"), found.index("▁ac")]) == "abab ac"

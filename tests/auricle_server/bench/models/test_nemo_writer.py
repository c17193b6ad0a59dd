from __future__ import annotations

import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from auricle_server.bench.models import random_weights
from auricle_server.bench.models.nemo_writer import nemo_config
from auricle_server.bench.models.random_weights import parameters, random_checkpoint
from auricle_server.bench.models.replicas import write_nemo
from auricle_server.checkpoints.config import PromptConfig, parse_config
from auricle_server.checkpoints.load import Checkpoint, load_checkpoint
from tests.support.archives import raw_config, unpack


@pytest.fixture(scope="module")
def small() -> Checkpoint:
    return random_checkpoint("demo")


@pytest.mark.parametrize("gzipped", [False, True])
@pytest.mark.parametrize("prompted", [False, True])
def test_an_archive_is_read_back_as_it_was(
    small: Checkpoint, prompted: bool, gzipped: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = small
    if prompted:
        config = replace(small.config, prompt=PromptConfig(size=128, dictionary={"en-US": 0, "auto": 101}))
        monkeypatch.setattr(random_weights, "SHAPES", {"small": config})
        checkpoint = random_checkpoint("small")
    read = load_checkpoint(str(write_nemo(checkpoint, tmp_path / "a.nemo", gzipped=gzipped)))
    assert [each.name for each in tmp_path.iterdir()] == ["a.nemo"]
    assert read.config == checkpoint.config
    assert read.pieces == checkpoint.pieces
    assert (read.scores is not None) == prompted
    assert read.scores == pytest.approx(checkpoint.scores)
    assert read.weights.keys() == checkpoint.weights.keys()
    assert all(torch.equal(read.weights[name], value) for name, value in checkpoint.weights.items())
    assert parameters(read) == parameters(checkpoint)


def test_the_configuration_is_parsed_back(small: Checkpoint) -> None:
    assert parse_config(nemo_config(small.config, small.pieces)) == small.config


def test_members_have_no_owner_and_no_time(small: Checkpoint, tmp_path: Path) -> None:
    path = write_nemo(small, tmp_path / "a.nemo")
    with tarfile.open(path) as archive:
        members = archive.getmembers()
    assert [member.name for member in members] == [
        ".",
        "./tokenizer.model",
        "./vocab.txt",
        "./model_config.yaml",
        "./model_weights.ckpt",
    ]
    assert {(member.uname, member.gname, member.uid, member.mtime) for member in members} == {("", "", 0, 0)}
    assert [member.mode for member in members] == [0o755, *[0o644] * 4]


def test_the_vocabulary_is_listed_twice_in_full(small: Checkpoint, tmp_path: Path) -> None:
    """As NeMo lists it, and without YAML's references."""
    tree = raw_config(write_nemo(small, tmp_path / "a.nemo"))
    assert tree["labels"] == tree["joint"]["vocabulary"] == list(small.pieces)
    text = unpack(tmp_path / "a.nemo", tmp_path).joinpath("model_config.yaml").read_text()
    assert "&id" not in text
    assert text.count(f"- {small.pieces[100]}\n") == 2

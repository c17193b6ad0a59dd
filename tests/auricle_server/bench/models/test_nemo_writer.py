from __future__ import annotations

import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from auricle_server.bench.models import random_weights
from auricle_server.bench.models.bench_models import write_model
from auricle_server.bench.models.nemo_writer import nemo_config
from auricle_server.bench.models.random_weights import parameters, random_checkpoint
from auricle_server.checkpoints.config import PromptConfig, parse_config
from auricle_server.checkpoints.load import Checkpoint, load_checkpoint


@pytest.fixture(scope="module")
def small() -> Checkpoint:
    return random_checkpoint("demo")


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


def test_the_configuration_is_parsed_back(small: Checkpoint) -> None:
    assert parse_config(nemo_config(small.config, small.pieces)) == small.config


def test_members_have_no_owner_time_or_folder(small: Checkpoint, tmp_path: Path) -> None:
    path = write_model(small, tmp_path / "a.nemo")
    assert [each.name for each in tmp_path.iterdir()] == ["a.nemo"]
    with tarfile.open(path) as archive:
        members = archive.getmembers()
    assert {member.name for member in members} == {
        "model_config.yaml",
        "model_weights.ckpt",
        "tokenizer.model",
        "vocab.txt",
    }
    assert {(member.uname, member.gname, member.uid, member.mtime, member.mode) for member in members} == {
        ("", "", 0, 0, 0o644)
    }

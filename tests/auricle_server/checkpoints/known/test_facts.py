"""What a checkpoint's own configuration says of it."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from auricle_server.bench.models.transformers_writer import write_folder
from auricle_server.checkpoints import BadCheckpoint, load_checkpoint
from auricle_server.checkpoints.known.bundled import BUNDLED
from auricle_server.checkpoints.known.facts import ModelFacts, facts
from auricle_server.checkpoints.languages import ENGLISH_ONLY, TRAINED
from tests.support.archives import unpack
from tests.support.tones import CHECKPOINT

TONES = ModelFacts(("en-US",), (80, 160, 560, 1120), 160)


def test_bundled_models_are_in_the_package_and_offer_what_they_say() -> None:
    assert facts(BUNDLED["demo"]) == ModelFacts(ENGLISH_ONLY, (80, 160, 560, 1120), 160)
    multilingual = facts(BUNDLED["demo-multilingual"])
    assert multilingual.languages[0] == "auto"
    assert set(multilingual.languages[1:]) <= TRAINED.keys()
    assert len(multilingual.languages) > 2


def test_every_kind_of_checkpoint_has_the_same_facts(tmp_path: Path) -> None:
    assert facts(CHECKPOINT) == TONES
    assert facts(unpack(CHECKPOINT, tmp_path / "unpacked")) == TONES
    assert facts(write_folder(load_checkpoint(str(CHECKPOINT)), tmp_path / "folder")) == TONES


def test_weights_are_not_read(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "light.nemo", "w") as archive:
        archive.add(unpack(CHECKPOINT, tmp_path / "unpacked") / "model_config.yaml", "model_config.yaml")
    assert facts(tmp_path / "light.nemo") == TONES


@pytest.mark.parametrize("content", [b"", b"not an archive", b"\x1f\x8bnot gzip"])
def test_what_is_no_archive_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "other.nemo").write_bytes(content)
    with pytest.raises(BadCheckpoint, match=r"other\.nemo is not a readable \.nemo archive"):
        facts(tmp_path / "other.nemo")

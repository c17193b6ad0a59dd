"""The table of models, and what a checkpoint's own configuration says of it."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from auricle_server.checkpoints import BadCheckpoint, load_checkpoint
from auricle_server.checkpoints.hub.cache import Repository, parse
from auricle_server.checkpoints.known_models import BUNDLED, KNOWN_MODELS, KnownModel, ModelFacts, facts
from auricle_server.checkpoints.languages import ENGLISH_ONLY, TRAINED
from tests.support.archives import unpack
from tests.support.tones import CHECKPOINT
from tests.support.transformers_folder import write_folder

TONES = ModelFacts(("en-US",), (80, 160, 560, 1120))


@pytest.mark.parametrize("known", KNOWN_MODELS, ids=lambda known: known.id)
def test_a_published_model_is_described_so_that_it_can_be_chosen(known: KnownModel) -> None:
    assert parse(known.id) == Repository(known.id)
    assert known.licence
    assert set(known.languages) <= TRAINED.keys()
    assert known.latencies_ms == tuple(sorted(set(known.latencies_ms)))
    assert all(latency % 80 == 0 for latency in known.latencies_ms)


def test_each_is_listed_once_and_one_is_multilingual() -> None:
    ids = [known.id for known in KNOWN_MODELS]
    assert len(ids) == len(set(ids))
    assert [len(known.languages) for known in KNOWN_MODELS if known.languages != ENGLISH_ONLY] == [len(TRAINED)]


def test_bundled_models_are_in_the_package_and_offer_what_they_say() -> None:
    assert facts(BUNDLED["demo"]) == ModelFacts(ENGLISH_ONLY, (80, 160, 560, 1120))
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

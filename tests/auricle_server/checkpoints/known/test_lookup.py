"""Which profile a name or a file on this machine has."""

from __future__ import annotations

from pathlib import Path

import pytest

from auricle_server.checkpoints.hub.cache import Repository, parse
from auricle_server.checkpoints.known.lookup import KNOWN_MODELS, PROFILES, profile_of
from auricle_server.checkpoints.known.nemotron import ENGLISH, ENGLISH_JANUARY, MULTILINGUAL
from auricle_server.checkpoints.known.profiles import ModelProfile
from auricle_server.checkpoints.languages import ENGLISH_ONLY, TRAINED


@pytest.mark.parametrize("known", PROFILES, ids=lambda known: f"{known.id}@{known.revision}")
def test_a_published_model_is_described_so_that_it_can_be_chosen(known: ModelProfile) -> None:
    assert parse(f"{known.id}@{known.revision}") == Repository(known.id, known.revision)
    assert known.licence
    assert set(known.languages) <= TRAINED.keys()


def test_each_is_listed_once_and_one_is_multilingual() -> None:
    ids = [known.id for known in KNOWN_MODELS]
    assert len(ids) == len(set(ids))
    assert [len(known.languages) for known in KNOWN_MODELS if known.languages != ENGLISH_ONLY] == [len(TRAINED)]


@pytest.mark.parametrize(
    ("name", "profile"),
    [
        (ENGLISH.id, ENGLISH),
        (f"https://huggingface.co/{MULTILINGUAL.id}", MULTILINGUAL),
        (f"{ENGLISH.id}@nemotron-speech-streaming-jan2026", ENGLISH_JANUARY),
        (f"{ENGLISH.id}@0123456789abcdef0123456789abcdef01234567", ENGLISH),
        ("nvidia/another", None),
        ("demo", None),
    ],
)
def test_a_hub_id_has_the_profile_of_its_revision(name: str, profile: ModelProfile | None) -> None:
    assert profile_of(name) is profile


def sparse(path: Path, size: int) -> Path:
    """A file of this size that takes no room."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as stream:
        stream.truncate(size)
    return path


def test_a_copy_of_a_published_file_is_recognised_by_name_and_size(tmp_path: Path) -> None:
    file = sparse(tmp_path / "nemotron-3.5-asr-streaming-0.6b.nemo", 2_368_284_501)
    assert profile_of(str(file), file) is MULTILINGUAL
    folder = tmp_path / "models/nemotron-speech-streaming-en-0.6b"
    sparse(folder / "model.safetensors", 2_472_413_604)
    assert profile_of(str(folder), folder) is ENGLISH
    in_cache = tmp_path / "models--nvidia--nemotron-3.5-asr-streaming-0.6b/snapshots/0123/model.safetensors"
    sparse(in_cache, 2_552_062_944)
    assert profile_of(str(in_cache), in_cache) is MULTILINGUAL


def test_a_fine_tuned_model_has_no_profile(tmp_path: Path) -> None:
    for file in (
        sparse(tmp_path / "greek/model.safetensors", 2_552_062_944),  # the size alone
        sparse(tmp_path / "nemotron-3.5-asr-streaming-0.6b-greek.nemo", 2_368_284_502),  # the name alone
    ):
        assert profile_of(str(file), file) is None
    assert profile_of(str(tmp_path), tmp_path) is None

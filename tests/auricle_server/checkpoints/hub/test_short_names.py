"""Short names of models on the hub."""

from __future__ import annotations

from pathlib import Path

import pytest

from auricle_server.checkpoints.hub.cache import MAIN, Repository, parse
from auricle_server.checkpoints.hub.short_names import SHORT_NAMES, short_name
from auricle_server.checkpoints.known.bundled import BUNDLED
from auricle_server.checkpoints.known.lookup import KNOWN_MODELS, profile_of
from auricle_server.checkpoints.known.nemotron import ENGLISH, MULTILINGUAL
from auricle_server.checkpoints.load import locate
from tests.support.tones import CHECKPOINT


def test_short_names_stand_for_the_two_models_for_which_the_server_was_made() -> None:
    assert {"nemotron-en": ENGLISH.id, "nemotron-3.5": MULTILINGUAL.id} == SHORT_NAMES
    assert not SHORT_NAMES.keys() & BUNDLED.keys()
    assert set(SHORT_NAMES.values()) <= {each.id for each in KNOWN_MODELS}


@pytest.mark.parametrize("short", SHORT_NAMES)
def test_a_short_name_is_its_repository_and_has_its_profile(short: str) -> None:
    repository = parse(short)
    assert repository == Repository(SHORT_NAMES[short], MAIN)
    assert parse(f"{short}@v2") == Repository(SHORT_NAMES[short], "v2")
    assert profile_of(short) == profile_of(SHORT_NAMES[short])
    assert short_name(SHORT_NAMES[short]) == short


@pytest.mark.parametrize("name", ["nemotron", "nemotron-en/model", "Nemotron-en@", "nemotron-en@", "nemotron-en@a b"])
def test_what_only_looks_like_one_is_none(name: str) -> None:
    assert parse(name) != Repository(ENGLISH.id, MAIN)


def test_a_model_without_one_has_none() -> None:
    assert short_name("owner/model") == ""


def test_a_file_of_that_name_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nemotron-en").symlink_to(CHECKPOINT)
    monkeypatch.chdir(tmp_path)
    assert locate("nemotron-en") == Path("nemotron-en")

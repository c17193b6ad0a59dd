"""The profiles of the two published models, held against the facts that were read on 2026-11-29."""

from __future__ import annotations

import pytest

from auricle_server.checkpoints.known.nemotron import ENGLISH, ENGLISH_JANUARY, MULTILINGUAL, NEMOTRON
from auricle_server.checkpoints.known.profiles import ModelProfile, latency_of
from auricle_server.checkpoints.languages import TRAINED


def test_latencies_and_defaults() -> None:
    assert (ENGLISH.latencies_ms, ENGLISH.default_latency_ms) == ((80, 160, 560, 1120), 160)
    assert (MULTILINGUAL.latencies_ms, MULTILINGUAL.default_latency_ms) == ((80, 160, 320, 560, 1120), 320)
    assert latency_of(MULTILINGUAL.right_contexts[0]) == 320
    assert 1 not in MULTILINGUAL.right_contexts  # the card adds 160 ms


def test_revisions_differ_in_their_word_errors() -> None:
    assert (ENGLISH.revision, ENGLISH_JANUARY.revision) == ("main", "nemotron-speech-streaming-jan2026")
    assert ENGLISH.word_errors is not None
    assert ENGLISH_JANUARY.word_errors is not None
    assert ENGLISH.word_errors.percent == {1120: 6.93, 560: 7.07, 160: 7.67, 80: 8.43}
    assert ENGLISH_JANUARY.word_errors.percent == {1120: 7.16, 560: 7.22, 160: 7.84, 80: 8.53}
    assert {ill.name for ill in ENGLISH.ills} - {ill.name for ill in ENGLISH_JANUARY.ills} == {"numbers"}


def test_32_locales_are_ready_and_8_need_fine_tuning() -> None:
    assert set(MULTILINGUAL.languages) == TRAINED.keys()
    assert MULTILINGUAL.languages_to_adapt == {
        "el-GR",
        "lt-LT",
        "lv-LV",
        "mt-MT",
        "sl-SI",
        "he-IL",
        "th-TH",
        "nn-NO",
    }
    assert len(MULTILINGUAL.languages) - len(MULTILINGUAL.languages_to_adapt) == 32


def test_files_have_their_published_sizes() -> None:
    sizes = [[(file.suffix, file.size, file.gzipped) for file in profile.files] for profile in NEMOTRON]
    assert sizes == [
        [(".nemo", 2_473_041_920, False), (".safetensors", 2_472_413_604, False)],
        [],
        [(".nemo", 2_368_284_501, True), (".safetensors", 2_552_062_944, False)],
    ]


@pytest.mark.parametrize("profile", NEMOTRON, ids=lambda profile: profile.revision)
def test_what_is_on_was_decided_and_words_are_not_held_back(profile: ModelProfile) -> None:
    cures = profile.cures
    assert (cures.warm_up_seconds, cures.refresh_seconds, cures.watch_seconds) == (1.12, 20.0, 2.0)
    assert not cures.holds_back


@pytest.mark.parametrize("profile", NEMOTRON, ids=lambda profile: profile.revision)
def test_every_ill_is_a_sentence_with_its_source(profile: ModelProfile) -> None:
    assert len({ill.name for ill in profile.ills}) == len(profile.ills)
    assert all(ill.sentence.endswith(".") and ill.reports for ill in profile.ills)

"""Figures of several recordings."""

from __future__ import annotations

import pytest

from auricle_server.bench.quality.quality_figures import Share, quality_figures, word_error_difference
from tests.auricle_server.bench.quality.builders import score


def test_counts_add_up() -> None:
    scores = [
        score("call him back", "him back", speech=[(0.0, 3.0)], turn_ends=[1.0, 3.5]),
        score("call him back.", "call him.", speech=[(0.0, 3.0)], turn_ends=[4.0]),
        score("yes", ""),
        score("", "thank you"),
    ]
    found = quality_figures(scores, 2.0, realtime=False)
    assert (found.all.recordings, found.all.words) == (3, 7)
    assert (found.all.substitutions, found.all.deletions, found.all.insertions) == (0, 3, 2)
    assert found.all.word_errors is not None
    assert found.all.word_errors.value == pytest.approx(100 * 5 / 7)
    assert (found.lost_at_starts, found.lost_at_ends) == (1, 1)
    assert (found.recordings_cut_at_start, found.recordings_cut_at_end) == (Share(1, 3), Share(1, 3))
    assert (found.first_word_wrong, found.last_word_wrong) == (Share(2, 3), Share(2, 3))
    assert found.empty == Share(1, 3)
    assert found.in_silence == Share(2, 3)  # the third is not known
    assert found.closing_marks == Share(1, 1)
    assert (found.turn_ends, found.turn_ends_before_more_speech, found.turn_ends_in_speech) == (3, 1, 1)
    assert found.turn_end_after_speech.count == 2
    assert found.turn_end_after_speech.p50 == pytest.approx(0.75)
    assert (found.audio_seconds, found.real_time_factor) == (40.0, 0.05)
    assert found.finalize_to_final is None
    assert found.languages == {}


def test_in_real_time_delays_are_measured_and_speed_is_not() -> None:
    found = quality_figures([score("a", "a", speech=[(0, 1)], realtime=True, arrived=1.5)], 10.0, realtime=True)
    assert found.finalize_to_final is not None
    assert found.finalize_to_final.p50 == pytest.approx(0.05)
    assert found.speech_to_final is not None
    assert found.speech_to_final.p50 == pytest.approx(0.5)
    assert found.real_time_factor is None


def test_several_languages_have_figures_each() -> None:
    scores = [score("a b", "a x"), score("c d", "c d", language="de"), score("e", "", language=None)]
    found = quality_figures(scores, 1.0, realtime=False).languages
    assert {code: part.words for code, part in found.items()} == {"de": 2, "en": 2, "unknown": 1}
    assert found["en"].word_errors is not None
    assert found["en"].word_errors.value == pytest.approx(50.0)


def test_wrong_languages_are_counted_among_those_to_be_found_out() -> None:
    scores = [
        score("a", "a", spoken="de", told="auto", named="de"),
        score("a", "a", spoken="de", told="auto", named="fr"),
        score("a", "a", spoken="de", told="de", named="de"),
    ]
    assert quality_figures(scores, 1.0, realtime=False).language_wrong == Share(1, 2)


def test_no_recording_at_all() -> None:
    found = quality_figures([], 1.0, realtime=False)
    assert found.all.word_errors is None
    assert found.real_time_factor is None


def test_a_difference_is_of_the_same_recordings() -> None:
    first, second = [score("a b", "a x"), score("c d", "c d")], [score("a b", "a b"), score("c d", "c d")]
    found = word_error_difference(first, second)
    assert found is not None
    assert found.value == pytest.approx(-25.0)

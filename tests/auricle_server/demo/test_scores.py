"""The demo's figures, from reports whose times are known."""

from __future__ import annotations

import pytest

from auricle_server.demo.programme import Clip, Programme, compose
from auricle_server.demo.scores import (
    MAX_WORD_ERROR_RATE,
    count_errors,
    score_track,
    shortcomings,
    summarise,
    wrong_tokens,
)
from auricle_server.demo.track import CaptionEvent, CaptionKind, Track

SECOND = bytes(32_000)
CLIPS = [
    Clip("Book a table for two.", "ann", SECOND * 2, speech_end=1.5),
    Clip("Thank you.", "bob", SECOND * 1, speech_end=0.8),
]


@pytest.fixture
def programme() -> Programme:
    return compose(CLIPS)


def track_of(programme: Programme, *captions: CaptionEvent) -> Track:
    return Track("Pipecat", 160, programme, lambda _track, _caption: None, captions=list(captions))


def transcribed_well(programme: Programme) -> Track:
    first, second = (utterance.speech_end for utterance in programme.utterances)
    return track_of(
        programme,
        CaptionEvent(CaptionKind.INTERIM, "Book a", first - 1.0),
        CaptionEvent(CaptionKind.FINAL, "Book a table", first + 0.6),
        CaptionEvent(CaptionKind.FINAL, "for two.", first + 0.7),
        CaptionEvent(CaptionKind.TURN_END, "Book a table for two.", first + 0.71),
        CaptionEvent(CaptionKind.FINAL, "thank you", second + 0.5),
        CaptionEvent(CaptionKind.TURN_END, "thank you", second + 0.51),
    )


def test_errors_count_words_not_case_or_punctuation() -> None:
    assert count_errors("It's 7 o'clock, Ann!", "it's 7 o'clock ann") == (0, 4)
    assert count_errors("one two three", "one too three four") == (2, 3)
    assert count_errors("one two", "") == (2, 2)


def test_wrong_words_are_found_where_they_stand() -> None:
    assert wrong_tokens("Book a table for two.", "cook a, table for twenty two") == {0, 4}
    assert wrong_tokens("one two", "one two") == set()
    assert wrong_tokens("one two three", "one three") == set()  # a missing word has no token
    assert wrong_tokens("it is", "- it is.") == set()  # nor has punctuation a word


def test_a_complete_track_passes(programme: Programme) -> None:
    track = transcribed_well(programme)
    scores = score_track(track)
    assert [score.hypothesis for score in scores] == ["Book a table for two.", "thank you"]
    assert [score.errors for score in scores] == [0, 0]
    assert scores[0].final_delay == pytest.approx(0.7)
    assert scores[0].turn_delay == pytest.approx(0.71)
    assert summarise(track, scores).turn_delay == pytest.approx((0.71 + 0.51) / 2)
    assert shortcomings(track, scores) == []


def test_a_missing_turn_end_fails(programme: Programme) -> None:
    track = transcribed_well(programme)
    track.captions.pop()
    assert ["no turn end" in problem for problem in shortcomings(track, score_track(track))] == [True]


def test_too_many_wrong_words_fail(programme: Programme) -> None:
    track = transcribed_well(programme)
    track.captions[1] = CaptionEvent(CaptionKind.FINAL, "cook the cable", track.captions[1].at)
    scores = score_track(track)
    assert summarise(track, scores).word_error_rate == pytest.approx(3 / 7)
    assert MAX_WORD_ERROR_RATE < 3 / 7
    assert ["word error rate 43%" in problem for problem in shortcomings(track, scores)] == [True]


def test_a_track_without_transcripts_fails(programme: Programme) -> None:
    track = track_of(programme)
    scores = score_track(track)
    assert [(score.final_delay, score.turn_delay, score.word_error_rate) for score in scores] == [(None, None, 1.0)] * 2
    assert len(shortcomings(track, scores)) == 3


def test_a_failed_stream_fails(programme: Programme) -> None:
    track = transcribed_well(programme)
    track.failure = "ConnectionError: gone"
    assert shortcomings(track, score_track(track)) == ["Pipecat at 160 ms: ConnectionError: gone"]

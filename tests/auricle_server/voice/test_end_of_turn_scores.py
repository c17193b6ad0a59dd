"""Which scores of a silence are asked for, and which count."""

from __future__ import annotations

import pytest

from auricle_server.voice.end_of_turn_scores import SURE, EndOfTurnScores, ScoreSummary


@pytest.fixture
def scores() -> EndOfTurnScores:
    """Two of one silence, which has begun at sample 100."""
    scores = EndOfTurnScores()
    scores.plan(200, 10, 100)
    scores.plan(700, 10, 100)
    return scores


def test_the_second_is_due_once_the_first_is_answered(scores: EndOfTurnScores) -> None:
    [first] = scores.due
    first.asked = 1.0
    assert scores.due == []
    first.score = SURE - 0.1
    [second] = scores.due
    assert (second.position, second.previous) == (700, first)


def test_a_conclusive_score_needs_no_second(scores: EndOfTurnScores) -> None:
    [first] = scores.due
    first.asked, first.score = 1.0, SURE
    assert scores.due == []
    assert scores.first_sample is None, "no audio is kept for it"
    assert scores.summary(100, 1000) == ScoreSummary(first)


def test_a_summary_knows_the_newest_answer_and_what_is_missing(scores: EndOfTurnScores) -> None:
    [first] = scores.due
    assert scores.summary(None, 1000) == ScoreSummary()
    assert scores.summary(100, 199) == ScoreSummary()
    assert scores.summary(100, 200) == ScoreSummary(None, first)
    first.asked, first.score = 1.0, 0.2
    [second] = scores.due
    assert scores.summary(100, 699) == ScoreSummary(first)
    assert scores.summary(100, 700) == ScoreSummary(first, second)
    assert scores.summary(300, 700).newest is None, "scores of an earlier silence do not count"


def test_a_score_of_another_silence_does_not_wait_for_the_last(scores: EndOfTurnScores) -> None:
    scores.plan(2000, 900, 1500)
    assert [score.position for score in scores.due] == [200, 2000]


def test_scores_are_forgotten_and_voided(scores: EndOfTurnScores) -> None:
    assert scores.first_sample == 10
    scores.forget(200)
    assert len(scores) == 1
    scores.void(11, 1000)
    assert len(scores) == 0

"""What is counted of one recording."""

from __future__ import annotations

import pytest

from tests.auricle_server.bench.quality.builders import score


def test_errors_are_told_apart() -> None:
    found = score("Please book a table for two.", "please cook a a table two")
    assert (found.errors, found.deletions, found.insertions) == (3, 1, 1)
    assert (len(found.reference), found.is_empty) == (6, False)


def test_characters_count_too() -> None:
    found = score("Book it.", "look it")
    assert (found.character_count, found.character_errors) == (7, 1)
    chinese = score("你好吗?", "你号吗。", language="zh-CN")
    assert (chinese.errors, chinese.character_count, chinese.character_errors) == (1, 3, 1)
    assert score("", "hi").character_errors == 2


@pytest.mark.parametrize(
    ("heard", "start", "end", "first", "last"),
    [
        ("now call him back", 0, 0, True, True),
        ("him back", 2, 0, False, True),
        ("now call", 0, 2, True, False),
        ("call him", 1, 1, False, False),
        ("no call him back", 0, 0, False, True),  # another word is no lost one
        ("", 0, 0, False, False),  # an empty result is counted as such
        ("other", 0, 0, False, False),
    ],
)
def test_words_lost_at_starts_and_ends(heard: str, start: int, end: int, first: bool, last: bool) -> None:
    found = score("now call him back", heard)
    assert (found.lost_at_start, found.lost_at_end) == (start, end)
    assert (found.first_word_right, found.last_word_right) == (first, last)
    assert found.is_empty is (not heard)


def test_words_in_silence_are_put_in_where_nobody_speaks() -> None:
    speech = [(2.0, 4.0)]
    heard, times = "yeah book it now okay", [0.5, 2.0, 2.5, 3.5, 8.0]
    assert score("book it now", heard, speech=speech, times=times).words_in_silence == 2
    # Right words at a wrong time, and words put in between others, are not counted.
    assert score("book it", "book it", speech=speech, times=[0.5, 8.0]).words_in_silence == 0
    assert score("book it", "book and it", speech=speech, times=[2.0, 2.4, 3.0]).words_in_silence == 0


def test_a_word_near_speech_is_not_in_silence() -> None:
    assert score("book it", "book it now", speech=[(2.0, 4.0)], times=[2.0, 3.0, 4.2]).words_in_silence == 0
    assert score("book it", "book it now", speech=[(2.0, 4.0)], times=[2.0, 3.0, 4.4]).words_in_silence == 1


def test_words_in_silence_are_unknown_without_knowledge_of_speech() -> None:
    assert score("book it", "book it now").words_in_silence is None
    assert score("", "thank you").words_in_silence == 2
    assert score("", "").words_in_silence == 0


@pytest.mark.parametrize(
    ("said", "heard", "expected", "closed"),
    [
        ("Who is it?", "Who is it.", True, True),
        ("He said “no.”", "He said no", True, False),
        ("no mark", "No mark.", False, True),
        ("你好。", "你好?", True, True),
        ("Wait...", "", True, False),
    ],
)
def test_closing_marks(said: str, heard: str, expected: bool, closed: bool) -> None:
    found = score(said, heard)
    assert found.has_closing_mark is expected
    assert found.is_closed is closed


def test_turn_ends_are_early_inside_or_after_speech() -> None:
    found = score("a b", "a b", speech=[(1.0, 2.0), (4.0, 5.0)], turn_ends=[1.5, 3.0, 5.5, 7.0])
    assert found.early_turn_ends == (2, 1)
    assert found.turn_end_after_speech == pytest.approx(0.5)
    assert score("a b", "a b", turn_ends=[1.5]).turn_end_after_speech is None
    assert score("a b", "a b", speech=[(1.0, 2.0)]).turn_end_after_speech is None


def test_delays_need_real_time() -> None:
    assert score("a", "a", speech=[(1.0, 2.0)], realtime=True, arrived=2.4).final_after_speech == pytest.approx(0.4)
    assert score("a", "a", speech=[(1.0, 2.0)], arrived=2.4).final_after_speech is None
    assert score("a", "a", realtime=True, arrived=2.4).final_after_speech is None


def test_a_language_is_judged_where_it_was_to_be_found_out() -> None:
    assert score("a", "a", spoken="de", told="auto", named="de-DE").language_right is True
    assert score("a", "a", spoken="de", told="auto", named="fr").language_right is False
    assert score("a", "a", spoken="de", told="auto", named="auto").language_right is False
    assert score("a", "a", spoken="de", told="auto", named=None).language_right is False
    assert score("a", "a", spoken="de", told="de", named="de").language_right is None
    assert score("a", "", spoken="de", told="auto").language_right is None
    assert score("a", "a", told="auto", named="de").language_right is None

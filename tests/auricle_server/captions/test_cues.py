"""Captions keep the limits of subtitle guidelines, for any words at any times."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auricle.protocol.server_messages import Final, Word
from auricle_server.captions.cues import (
    CUE_CHARACTERS_PER_SECOND,
    CUE_LINE,
    CUE_SECONDS,
    Cue,
    cues_of,
)


def spoken(text: str, *, start: float = 0.0, seconds: float = 0.4, pauses: dict[str, float] | None = None) -> Final:
    """A segment whose words last `seconds` each; after some there are pauses."""
    words = []
    for each in text.split():
        words.append(Word(each, start, start + seconds, 0.9))
        start += seconds + (pauses or {}).get(each, 0.0)
    return Final(text=text, start=words[0].start, end=words[-1].end, language="en", words=tuple(words), settled=start)


def within_limits(cues: Sequence[Cue]) -> None:
    for cue in cues:
        assert len(cue.lines) <= 2
        assert all(len(line) <= CUE_LINE for line in cue.lines)
        assert " ".join(cue.lines) == cue.text
        assert 0 < cue.end - cue.start <= CUE_SECONDS + 1e-9
        assert len(cue.text) / (cue.end - cue.start) <= CUE_CHARACTERS_PER_SECOND + 1e-6
    assert all(earlier.end <= later.start for earlier, later in pairwise(cues))


WORDS = st.tuples(st.text("abcXYZ.,?'ü漢", min_size=1, max_size=60), st.floats(0, 9), st.floats(-0.5, 3))


@given(st.lists(st.lists(WORDS, max_size=30), max_size=4))
def test_any_words_at_any_times(parts: list[list[tuple[str, float, float]]]) -> None:
    segments, at = [], 0.0
    for part in parts:
        words = []
        for text, seconds, pause in part:
            words.append(Word(text, at, at + seconds, 0.9))
            at = max(0.0, at + seconds + pause)
        start, end = (words[0].start, words[-1].end) if words else (at, at + 1)
        text = " ".join(word.text for word in words)
        segments.append(Final(text=text, start=start, end=end, language="", words=tuple(words), settled=end))
    cues = list(cues_of(segments))
    within_limits(cues)
    written = "".join(cue.text for cue in cues).replace(" ", "")
    assert written == "".join(text for part in parts for text, _, _ in part)


def test_captions_end_with_sentences() -> None:
    text = (
        "We went to the market early this morning. It had rained all night, and the streets were wet. "
        "Nobody was there yet. The man who sells the apples told us a long story about his brother in Canada."
    )
    cues = list(cues_of([spoken(text, seconds=0.33)]))
    within_limits(cues)
    assert [cue.text for cue in cues] == [f"{sentence.rstrip('.')}." for sentence in text.split(". ")]


def test_short_sentences_share_a_caption() -> None:
    (cue,) = cues_of([spoken("Yes, I have seen it. I was there myself last week.", seconds=0.3)])
    assert cue.lines == ("Yes, I have seen it.", "I was there myself last week.")


def test_a_long_sentence_breaks_at_a_phrase() -> None:
    text = (
        "When the train finally arrived at the station in the middle of the night, "
        "the passengers who had waited for hours were too tired to complain about it"
    )
    cues = list(cues_of([spoken(text, seconds=0.22)]))
    within_limits(cues)
    assert cues[0].text.endswith("night,")


@pytest.mark.parametrize("last", ["the", "a", "of", "and"])
def test_neither_lines_nor_captions_end_with_a_word_that_begins_something(last: str) -> None:
    text = f"one two three four five six seven eight {last} eleven twelve thirteen fourteen fifteen sixteen seventeen"
    cues = list(cues_of([spoken(text)]))
    within_limits(cues)
    assert not [line for cue in cues for line in cue.lines if line.endswith(f" {last}")]


def test_two_lines_are_about_equal_and_break_after_a_phrase() -> None:
    assert Cue(0, 5, "It had rained all night, and the streets were wet.").lines == (
        "It had rained all night,",
        "and the streets were wet.",
    )
    assert Cue(0, 2, "It had rained all night.").lines == ("It had rained all night.",)


def test_no_sentence_ends_at_an_abbreviation() -> None:
    text = "I have spoken with Dr. Miller and with Mr. J. Brown about the results of all the tests of last week"
    cues = list(cues_of([spoken(text)]))
    assert not [line for cue in cues for line in cue.lines if line.endswith(("Dr.", "Mr.", "J."))]


def test_fast_speech_can_be_read_and_catches_up_in_a_pause() -> None:
    fast = " ".join(["extraordinarily"] * 12)
    cues = list(cues_of([spoken(fast, seconds=0.3), spoken("Later.", start=30.0)]))
    within_limits(cues)
    assert cues[-1].start == 30.0


def test_a_short_word_is_shown_long_enough() -> None:
    (cue,) = cues_of([spoken("Internationalisation.", seconds=0.2)])
    assert (cue.start, cue.end) == (0.0, 1.05)


def test_a_language_without_spaces_is_cut_into_lines() -> None:
    (final,) = [spoken("今" * 100, seconds=8.0)]
    cues = list(cues_of([final]))
    within_limits(cues)
    assert "".join(cue.text for cue in cues).replace(" ", "") == "今" * 100


def test_words_that_overlap_make_no_captions_that_do() -> None:
    first, second = spoken("This is the first part.", seconds=0.5), spoken("And the second.", start=2.3, seconds=0.5)
    within_limits(list(cues_of([first, second])))

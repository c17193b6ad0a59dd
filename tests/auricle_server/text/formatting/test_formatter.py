"""What a whole text becomes, and which of the words that were said each word stands for."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle_server.text.formatting import FormattedWord, Formatter
from auricle_server.text.spoken_numbers import LARGE_SCALES, NUMBER_WORDS, ORDINALS, REPEATS

_SMART, _NUMERALS = Formatter("smart"), Formatter("numerals")
_SPOKEN = st.sampled_from(
    [
        *NUMBER_WORDS,
        *ORDINALS,
        *LARGE_SCALES,
        *REPEATS,
        *"a oh point minus plus dollars cents pounds pence percent per cent am p m a.m. i in the of march may".split(),
        *"dot com at dash slash underscore half quarter past to o'clock eighties and 24 1900 twenty-three x".split(),
    ]
)
_MARKED = st.builds("{}{}{}".format, st.sampled_from(["", "", '"']), _SPOKEN, st.sampled_from(["", "", ",", "."]))


def test_a_formatter_without_settings_changes_nothing() -> None:
    text = "twenty three fucking  people at john dot smith at example dot com"
    assert not Formatter()
    assert Formatter().text(text) == text


def test_a_bare_text_and_one_with_case_and_marks() -> None:
    assert _SMART.text("so the order is twenty three dollars please") == "so the order is $23 please"
    assert _SMART.text("So, the order is twenty-three dollars, please.") == "So, the order is $23, please."


def test_each_word_says_which_ones_it_stands_for() -> None:
    words = "on march fifth twenty twenty six at three thirty p m".split()
    assert _SMART.words(words) == [
        FormattedWord("on", 0, 1),
        FormattedWord("March", 1, 2),
        FormattedWord("5,", 2, 3),
        FormattedWord("2026", 3, 6),
        FormattedWord("at", 6, 7),
        FormattedWord("3:30", 7, 9),
        FormattedWord("PM", 9, 11),
    ]


def test_hyphenated_words_count_as_one() -> None:
    words = ["A", "twenty-five-year-old", "co-op", "for", "two", "hundred", "twenty-one", "dollars."]
    assert _SMART.words(words) == [
        FormattedWord("A", 0, 1),
        FormattedWord("25-year-old", 1, 2),
        FormattedWord("co-op", 2, 3),
        FormattedWord("for", 3, 4),
        FormattedWord("$221.", 4, 8),
    ]


@pytest.mark.parametrize("formatter", [_SMART, _NUMERALS])
@pytest.mark.parametrize(
    "text",
    [
        "",
        "— … ?",
        "Hello, how are you?",
        "no one of us knows the second one",
        "a hundred times",
        "point taken, oh no",
        "may I march to the dot",
        "٣ ４ ²",
        "twenty-one-",
    ],
)
def test_words_are_covered_once_and_in_order(formatter: Formatter, text: str) -> None:
    words = text.split()
    formatted = formatter.words(words)
    assert [place for word in formatted for place in range(word.first, word.past)] == list(range(len(words)))
    if "twenty" not in text:
        assert " ".join(word.text for word in formatted) == " ".join(words)


def test_other_languages_keep_their_words_and_get_replacements() -> None:
    formatter = Formatter("smart", mask_profanity=True, replacements=[("dix", "10")])
    assert formatter.text("dix six million dick", english=False) == "10 six million dick"


def test_no_rule_reads_what_a_replacement_has_written() -> None:
    formatter = Formatter("smart", replacements=[("acme", "Seven Eleven")])
    assert formatter.text("acme twenty one acme") == "Seven Eleven 21 Seven Eleven"


def test_formatted_text_stays_as_it_is() -> None:
    said = "call five five five one two three four five six seven on june third at ten thirty a m about twenty dollars"
    once = _SMART.text(said)
    assert once == "call 555-123-4567 on June 3 at 10:30 AM about $20"
    assert _SMART.text(once) == once


@settings(max_examples=400, deadline=None)
@given(
    st.lists(st.builds("{}{}{}".format, st.sampled_from(["", "", '"']), _SPOKEN, st.sampled_from(["", "", ",", "."])))
)
def test_any_words_are_covered_once_and_in_order(words: list[str]) -> None:
    for formatter in (_SMART, _NUMERALS):
        formatted = formatter.words(words)
        assert [place for word in formatted for place in range(word.first, word.past)] == list(range(len(words)))
        assert all(word.text and " " not in word.text for word in formatted)


def test_work_grows_with_the_text_alone() -> None:
    def cost(count: int) -> float:
        words = ["seven"] * count
        began = time.process_time()
        _SMART.words(words)
        return time.process_time() - began

    cost(100)
    short, long = min(cost(400) for _ in range(5)), min(cost(3_200) for _ in range(5))
    assert long < 40 * short  # eight times as many words; with the square of their number it would be 64

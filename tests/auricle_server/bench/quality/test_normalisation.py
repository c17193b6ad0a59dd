"""Texts are compared without what no listener hears."""

from __future__ import annotations

import pytest

from auricle_server.bench.quality.normalisation import characters, comparable_words, is_unspaced


@pytest.mark.parametrize(
    ("one", "other", "language"),
    [
        ("Hello, world!", "hello world", "en"),
        ("I'd like twenty-one colours, Mr. Smith.", "I would like 21 colors mister smith", "en-GB"),
        ("Um, it is forty one.", "it's 41", "en_US"),
        ("L'été, à Paris.", "l été à paris", "fr"),
        ("नमस्ते, दुनिया!", "नमस्ते दुनिया", "hi"),
        ("你好,吗?", "你好吗", "zh-CN"),
        ("Unknown: (yes) No!", "unknown no", None),
    ],
)
def test_texts_that_sound_alike_are_alike(one: str, other: str, language: str | None) -> None:
    assert comparable_words(one, language) == comparable_words(other, language)


@pytest.mark.parametrize(
    ("one", "other", "language"),
    [("schon", "schön", "de"), ("कि", "की", "hi"), ("twenty", "20", "de"), ("มา", "ม้า", "th")],
)
def test_marks_that_change_a_word_count(one: str, other: str, language: str) -> None:
    assert comparable_words(one, language) != comparable_words(other, language)


def test_without_spaces_every_letter_is_a_word() -> None:
    assert comparable_words("你好 吗", "zh") == ["你", "好", "吗"]
    assert comparable_words("ที่นี่", "th") == ["ที่", "นี่"]
    assert [is_unspaced(code) for code in ("ja-JP", "th", "en", None)] == [True, True, False, False]


def test_characters_have_one_space_between_words() -> None:
    assert characters(["a", "bc"], "en") == "a bc"
    assert characters(["你", "好"], "zh") == "你好"
    assert characters([], "en") == ""

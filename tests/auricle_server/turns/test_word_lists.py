"""Words after which a turn seldom ends, and words that come in rows."""

from __future__ import annotations

import pytest

from auricle_server.turns.word_lists import is_spelled, is_unfinished


@pytest.mark.parametrize("word", ["the", "The", "and", "I'm", "would", "um", "So", "Well"])
def test_a_sentence_goes_on_after_these(word: str) -> None:
    assert is_unfinished(word)


@pytest.mark.parametrize("word", ["table", "so", "well", "yes", ""])
def test_a_sentence_may_end_with_these(word: str) -> None:
    assert not is_unfinished(word)


@pytest.mark.parametrize("word", ["seven", "Oh", "7", "42", "b", "double", "dash"])
def test_these_come_in_rows(word: str) -> None:
    assert is_spelled(word)


@pytest.mark.parametrize("word", ["a", "I", "table", ""])
def test_these_stand_alone(word: str) -> None:
    assert not is_spelled(word)

"""Eager and final words are compared as words."""

from __future__ import annotations

import pytest

from pipecat_auricle.eager_match import SameWords


@pytest.mark.parametrize(
    ("guessed", "said", "same"),
    [
        ("it is", "It is.", True),
        ("One two. Three", "One two.Three", True),
        ("one two", "one three", False),
        ("one two", "one two three", False),
    ],
)
def test_the_words_count_and_not_where_they_were_joined(guessed: str, said: str, same: bool) -> None:
    assert SameWords().matches(guessed, said) is same

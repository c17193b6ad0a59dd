from __future__ import annotations

import pytest

from auricle_server.text.formatting.replacements import Replacements
from auricle_server.text.formatting.spoken_text import FormattedWord

_PAIRS = [("new york", "NYC"), ("new", "old"), ("uh", ""), ("acme", "Acme Holding Inc"), ("very big cat", "tiger")]


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("in New York.", "in NYC."),
        ("new cars", "old cars"),
        ("the newer ones", "the newer ones"),
        ("I uh think", "I think"),
        ("I think, uh.", "I think."),
        ("uh", ""),
        ("at Acme, yes", "at Acme Holding Inc, yes"),
        ("a very big cat", "a tiger"),
        ("a very big", "a very big"),
    ],
)
def test_phrases_are_replaced_whatever_their_case_and_marks(said: str, written: str) -> None:
    words, _ = Replacements(_PAIRS).applied(said.split())
    assert " ".join(word.text for word in words) == written


def test_what_stands_for_which_words() -> None:
    words, replaced = Replacements(_PAIRS).applied("from acme a very big cat uh here".split())
    assert words == [
        FormattedWord("from", 0, 1),
        FormattedWord("Acme", 1, 2),
        FormattedWord("Holding", 1, 2),
        FormattedWord("Inc", 1, 2),
        FormattedWord("a", 2, 3),
        FormattedWord("tiger", 3, 6),
        FormattedWord("here", 7, 8),
    ]
    assert replaced == {1, 2, 3, 5}


def test_nothing_is_searched_for_without_a_word() -> None:
    assert not Replacements([("", "x"), (" ", "y"), ("-", "z")])

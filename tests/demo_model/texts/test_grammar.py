from __future__ import annotations

import random
import re
from itertools import islice

import pytest

from demo_model.texts.grammar import Grammar, entries, lines
from demo_model.texts.languages import GRAMMARS, LANGUAGES, Language
from demo_model.texts.sentences import is_held_out


@pytest.mark.parametrize("grammar", GRAMMARS.values(), ids=GRAMMARS)
def test_every_slot_of_a_pattern_has_words(grammar: Grammar) -> None:
    slots = {slot for lines in grammar.patterns.values() for line in lines for slot in re.findall(r"\{(\w+)\}", line)}
    assert slots - {"digits"} <= set(grammar.words)
    assert len(grammar.words["digit"]) == 10
    assert len(grammar.words["weekday"]) == 7
    assert all(len(entry.split()) >= 2 for entry in grammar.words["date"])
    assert len(grammar.words["random"]) >= 300
    assert sum(map(len, grammar.patterns.values())) >= 100


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.code)
def test_sentences_end_with_a_mark_and_held_out_ones_are_never_trained(language: Language) -> None:
    trained = list(islice(language.generate(random.Random(1)), 500))
    held_out = list(islice(language.generate(random.Random(1), True), 30))
    assert all(re.fullmatch(r"[^{}<>0-9]+[.?!]", sentence.text) for sentence in trained + held_out)
    assert not any(map(is_held_out, trained))
    assert all(map(is_held_out, held_out))


def test_entries_are_what_commas_separate_each_once() -> None:
    assert entries("uno, due\n  tre, uno,, ") == ("uno", "due tre")
    assert lines("\n  one {num}.\n\n two.\n") == ("one {num}.", "two.")

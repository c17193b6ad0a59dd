"""The text: its vocabulary, what is held out, and how it is spoken."""

from __future__ import annotations

import itertools
import random

import pytest

from demo_model.texts import sentences


def draw(count: int, seed: int = 5, held_out: bool = False) -> list[sentences.Sentence]:
    return list(itertools.islice(sentences.generate(random.Random(seed), held_out), count))


def test_at_least_1500_words_are_really_used() -> None:
    assert len(sentences.vocabulary([sentence.text for sentence in draw(12_000)])) >= 1500


@pytest.mark.slow
def test_no_held_out_sentence_is_ever_trained() -> None:
    trained = {sentences.normalise(sentence.text) for sentence in draw(12_000)}
    held_out = {sentences.normalise(sentence.text) for sentence in draw(1500, seed=6, held_out=True)}
    assert len(held_out) > 1000
    assert not trained & held_out


def test_sentences_are_written_properly() -> None:
    allowed = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ',.?")
    for sentence in draw(2000):
        assert sentence.text[0].isupper()
        assert sentence.text[-1] in ".?"
        assert set(sentence.text) <= allowed, sentence.text


def test_a_good_part_of_the_text_cannot_be_guessed() -> None:
    groups = [sentence.group for sentence in draw(4000)]
    assert 0.25 < sum(group in ("random", "listing") for group in groups) / len(groups) < 0.45


def test_random_sequences_hold_no_homophones() -> None:
    pool, weights = sentences.random_pool()
    assert not {"two", "too", "for", "meat", "meet"} & set(pool)
    assert len(pool) == len(weights) > 1000


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0, "zero"), (7, "seven"), (13, "thirteen"), (40, "forty"), (99, "ninety nine"), (100, "one hundred"),
        (512, "five hundred twelve"), (9020, "nine thousand twenty"),
    ],
)  # fmt: skip
def test_numbers_are_spelled_as_words(value: int, words: str) -> None:
    assert sentences.number_words(value) == words


def test_spelled_letters_are_spoken_by_name() -> None:
    assert sentences.spoken_form("It's spelled J O E.") == "It's spelled jay oh ee."
    assert sentences.spoken_form("A table for two, I said.") == "A table for two, I said."


def test_normalising_keeps_apostrophes_only() -> None:
    assert sentences.normalise("I'd like Two, please?") == "i'd like two please"

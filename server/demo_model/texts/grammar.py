"""Sentences of a language from its patterns and words, as `demo_model.texts.sentences` makes them for English."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from demo_model.texts.sentences import Sentence, capitalise, is_held_out

SHARES = {"pattern": 0.72, "random": 0.2, "listing": 0.08}
DIGITS = 3, 6
RANDOM_WORDS = 3, 8
_LISTED = "digits", "num", "time", "date", "price", "city", "first", "last", "weekday"


@dataclass(frozen=True)
class Grammar:
    """The sentences of a language.

    Attributes:
        words: Entries by kind. ``digit`` and ``random`` must be there: the ten digits, and words for random sequences.
        patterns: Sentences with ``{kind}`` for an entry of a kind, by the family they belong to.
    """

    words: Mapping[str, tuple[str, ...]]
    patterns: Mapping[str, tuple[str, ...]]

    def generate(self, rng: random.Random, held_out: bool = False) -> Iterator[Sentence]:
        """Endless sentences of the training text, or of the held-out text that training never sees."""
        makers = {"pattern": self._from_pattern, "random": self._random_words, "listing": self._listing}
        while True:
            maker = rng.choices(list(makers.values()), [SHARES[name] for name in makers])[0]
            sentence = maker(rng)
            if is_held_out(sentence) == held_out:
                yield sentence

    def _from_pattern(self, rng: random.Random) -> Sentence:
        family = rng.choice(list(self.patterns))
        text = re.sub(r"\{(\w+)\}", lambda match: self._fill(match[1], rng), rng.choice(self.patterns[family]))
        return Sentence(capitalise(text), family)

    def _random_words(self, rng: random.Random) -> Sentence:
        chosen = rng.choices(self.words["random"], k=rng.randint(*RANDOM_WORDS))
        return Sentence(capitalise(" ".join(chosen)) + ".", "random")

    def _listing(self, rng: random.Random) -> Sentence:
        kind = rng.choice([kind for kind in _LISTED if kind == "digits" or kind in self.words])
        count = rng.choice((1, 1, 2, 3)) if kind in ("first", "last", "city") else 1
        return Sentence(capitalise(", ".join(self._fill(kind, rng) for _ in range(count))) + ".", "listing")

    def _fill(self, kind: str, rng: random.Random) -> str:
        if kind == "digits":
            return " ".join(rng.choices(self.words["digit"], k=rng.randint(*DIGITS)))
        return rng.choice(self.words[kind])


def entries(text: str) -> tuple[str, ...]:
    """The distinct comma-separated entries of a text, in order; a line may end within an entry."""
    parts = (" ".join(part.split()) for part in text.split(","))
    return tuple(dict.fromkeys(part for part in parts if part))


def lines(text: str) -> tuple[str, ...]:
    """The non-empty lines of a text."""
    return tuple(line.strip() for line in text.splitlines() if line.strip())

"""What is said: lines of text files in turn, and between them patterns and, in English, callers' numbers."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from pathlib import Path

from demo_model.corpus import callers, lines
from demo_model.texts.sentences import Sentence, SentenceSource, generate, is_held_out

CALLER_SHARE = 0.13
PATTERN_SHARES = {lines.ENGLISH: 0.22}
OTHER_PATTERN_SHARE = 0.35
"""Of languages without callers' numbers: their patterns have digits, too."""
HELD_OUT_SEED = 1_000_000
"""Seeds from here on are of held-out sentences."""


def patterns_of(language: str) -> SentenceSource:
    """The sentences of a language's own patterns."""
    if language == lines.ENGLISH:
        return generate
    from demo_model.texts.languages import GRAMMARS  # the English recipe does not need the other texts

    return GRAMMARS[language].generate


class Script:
    """Sentences of one language. Without text files, all are of its patterns or, in English, of callers."""

    def __init__(self, texts: tuple[Path, ...], held_out: bool, language: str = lines.ENGLISH) -> None:
        self._held_out = held_out
        self._language = language
        self._lines = lines.read(list(texts), held_out, language)
        self._patterns = patterns_of(language)
        self._pattern_share = PATTERN_SHARES.get(language, OTHER_PATTERN_SHARE)

    def sentences(self, seed: int, count: int) -> list[Sentence]:
        """The `count` sentences of a seed: each seed has lines of its own until all are spoken."""
        rng = random.Random(seed)
        patterns = self._patterns(rng, self._held_out)
        first = (seed % HELD_OUT_SEED) * count
        drawn = [self._draw(rng, patterns, first + index) for index in range(count)]
        return [callers.as_spoken(sentence, rng) for sentence in drawn] if self._english else drawn

    @property
    def _english(self) -> bool:
        return self._language == lines.ENGLISH

    def _draw(self, rng: random.Random, patterns: Iterator[Sentence], index: int) -> Sentence:
        chance = rng.random()
        callers_share = CALLER_SHARE if self._english else 0.0
        if chance < callers_share:
            made = (callers.from_caller(rng) for _ in itertools.count())
            return next(sentence for sentence in made if is_held_out(sentence) == self._held_out)
        if chance < callers_share + self._pattern_share or not self._lines:
            return next(patterns)
        return Sentence(self._lines[index % len(self._lines)], lines.GROUP)

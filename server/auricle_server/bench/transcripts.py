"""Compares transcripts: the same streams batched and alone, and against the reference text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from auricle_server.text.vocabulary import spelled


@dataclass(frozen=True, slots=True)
class Agreement:
    """Transcripts of streams that share batches, compared with those of the same streams alone.

    Attributes:
        streams: Number of streams compared.
        tokens: Number of tokens compared.
        equal: Streams with identical tokens.
        words: Words of the streams alone.
        differing: Word errors (substitutions, insertions, deletions) between the two.
    """

    streams: int = 0
    tokens: int = 0
    equal: int = 0
    words: int = 0
    differing: int = 0

    @property
    def differing_percent(self) -> float:
        """Word errors in percent of all words."""
        return 100.0 * self.differing / max(1, self.words)


def compare(
    pieces: Sequence[str], together: Sequence[Sequence[int]], by_themselves: Sequence[Sequence[int]]
) -> Agreement:
    """Compares streams pairwise, up to the shorter one: the two runs need not stop at the same chunk."""
    equal = tokens = words = differing = 0
    for one, other in zip(together, by_themselves, strict=True):
        common = min(len(one), len(other))
        left, right = list(one[:common]), list(other[:common])
        tokens += common
        equal += left == right
        alone = _words(pieces, right)
        words += len(alone)
        differing += word_errors(_words(pieces, left), alone)
    return Agreement(len(together), tokens, equal, words, differing)


def _words(pieces: Sequence[str], tokens: Sequence[int]) -> list[str]:
    return spelled(pieces, tokens).split()


def word_errors(left: Sequence[str], right: Sequence[str]) -> int:
    """Substitutions, insertions and deletions between two word sequences: the Levenshtein distance."""
    if left == right:
        return 0
    row = list(range(len(right) + 1))
    for index, word in enumerate(left, 1):
        before, row[0] = row[0], index
        for column, other in enumerate(right, 1):
            change = before + (word != other)
            before, row[column] = row[column], min(change, row[column] + 1, row[column - 1] + 1)
    return row[-1]


def plain(text: str) -> list[str]:
    """The words of a text in lower case, without punctuation."""
    return re.sub(r"[^\w\s']", " ", text.lower()).split()


def error_rate(references: Sequence[str], hypotheses: Sequence[str]) -> float:
    """Word error rate in percent of the references' words; 0 when the references are empty."""
    pairs = [(plain(one), plain(other)) for one, other in zip(references, hypotheses, strict=True)]
    words = sum(len(reference) for reference, _ in pairs)
    return 100.0 * sum(word_errors(*pair) for pair in pairs) / words if words else 0.0

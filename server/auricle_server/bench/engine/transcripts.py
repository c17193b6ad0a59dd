"""Whether streams hear in company what they hear alone, and how many words are wrong."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from auricle_server.bench.models.random_vocabulary import WORD_START


@dataclass(frozen=True, slots=True)
class Agreement:
    """Transcripts of streams in company against those of the same streams alone.

    Attributes:
        streams: How many were compared.
        tokens: Of theirs.
        equal: Streams whose tokens were all the same.
        words: Of the streams alone.
        differing: Words to change, add or leave out to get from one to the other.
    """

    streams: int = 0
    tokens: int = 0
    equal: int = 0
    words: int = 0
    differing: int = 0

    @property
    def differing_percent(self) -> float:
        """Of all words."""
        return 100.0 * self.differing / max(1, self.words)


def compare(
    pieces: Sequence[str], together: Sequence[Sequence[int]], by_themselves: Sequence[Sequence[int]]
) -> Agreement:
    """Compares streams; a pair goes only as far as the shorter of the two, for they need not stop at the same chunk."""
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
    return "".join(pieces[token] for token in tokens).replace(WORD_START, " ").split()


def word_errors(left: Sequence[str], right: Sequence[str]) -> int:
    """Words to change, add or leave out to get from one to the other: Levenshtein's distance."""
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
    """Words without case and punctuation."""
    return re.sub(r"[^\w\s']", " ", text.lower()).split()


def error_rate(references: Sequence[str], hypotheses: Sequence[str]) -> float:
    """Wrong words in percent of the references' words; 0 when there are none."""
    pairs = [(plain(one), plain(other)) for one, other in zip(references, hypotheses, strict=True)]
    words = sum(len(reference) for reference, _ in pairs)
    return 100.0 * sum(word_errors(*pair) for pair in pairs) / words if words else 0.0

"""How a tokenizer spells texts, many of them at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from auricle_server.engine.key_terms.arrays import Bools, Int64s, PairTable
from auricle_server.engine.key_terms.text_table import TextTable

if TYPE_CHECKING:
    from auricle_server.engine.key_terms.piece_trie import PieceTrie

_CELLS = 1 << 16
"""Characters that are segmented together: enough for NumPy, and a fraction of a millisecond for each operation."""
_NO_RANK = 1 << 30
_NO_PIECE = -1e4
"""Score of a character that has no piece; no path of pieces scores as little."""


def _blocks(texts: TextTable) -> Iterator[slice]:
    count, longest = texts.codes.shape
    rows = max(1, _CELLS // (longest + 1))
    for begin in range(0, count, rows):
        yield slice(begin, min(begin + rows, count))


class MergedPieces:
    """BPE: merges in the order in which they were learned.

    SentencePiece and `tokenizers` number the pieces of a BPE model in that order.

    Args:
        texts: The pieces, by token.
        characters: All their characters, in the order of their numbers, from 1 on.
    """

    def __init__(self, texts: Mapping[int, str], characters: Sequence[str]) -> None:
        ranks: dict[str, int] = {}
        for token, text in texts.items():
            ranks.setdefault(text, token)
        beyond = max(ranks.values(), default=0) + 1
        # A character without a piece of its own may still begin or end one.
        numbers = {character: ranks.get(character, beyond + nth) for nth, character in enumerate(characters)}
        parts = {**numbers, **ranks}
        self._parts = np.array([-1, *numbers.values()])
        """The number of each character as a part of a text; -1 for those that no piece has."""
        self._merges = PairTable(
            {
                (parts[text[:cut]], parts[text[cut:]]): rank
                for text, rank in ranks.items()
                for cut in range(1, len(text))
                if text[:cut] in parts and text[cut:] in parts
            }
        )

    def cuts_in_steps(self, texts: TextTable, numbers: Int64s) -> Iterator[tuple[slice, Bools] | None]:
        """See `PieceTrie.cuts_in_steps`; `numbers` are those of the characters, [texts, longest]."""
        for block in _blocks(texts):
            merging = _Merging(self._parts.take(numbers[block]), texts.lengths[block], self._merges)
            while merging.merge():
                yield None
            yield block, merging.cuts


class _Merging:
    """Texts on their way to their pieces. Each round merges one pair of each text: the first of those learned first.

    Args:
        parts: Numbers of the characters as parts, [n, longest].
        lengths: Of the texts, [n].
        merges: What two parts become.

    Attributes:
        cuts: As in `PieceTrie.cuts_in_steps`.
    """

    def __init__(self, parts: Int64s, lengths: Int64s, merges: PairTable) -> None:
        count, longest = parts.shape
        self._merges, self._lengths = merges, lengths
        places = np.arange(longest + 1)
        self.cuts: Bools = places <= lengths[:, None]
        self._parts = np.concatenate((parts, np.full((count, 1), -1)), axis=1)
        """Number of the part that begins at each place."""
        # The end of a text is a part that merges with none.
        self._parts[np.arange(count), lengths] = -1
        self._next = np.broadcast_to(np.minimum(places + 1, longest), (count, longest + 1)).copy()
        self._previous = np.broadcast_to(places - 1, (count, longest + 1)).copy()
        self._ranks = np.full((count, longest + 1), _NO_RANK)
        """Rank of the pair of each part and the next one."""
        pairs = merges.find(self._parts[:, :-1].ravel(), self._parts[:, 1:].ravel()).reshape(count, longest)
        self._ranks[:, :-1] = np.where((pairs < 0) | ~self.cuts[:, 1:], _NO_RANK, pairs)
        self._rows = np.arange(count)
        """Texts that may have a pair to merge."""

    def merge(self) -> bool:
        """One round; False when no text has a pair to merge."""
        rows = self._rows
        best = self._ranks[rows].argmin(axis=1)
        rank = self._ranks[rows, best]
        active = rank < _NO_RANK
        if not active.any():
            return False
        self._rows = rows = rows[active]
        at, rank = best[active], rank[active]
        merged = self._next[rows, at]
        after = self._next[rows, merged]
        self.cuts[rows, merged] = False
        self._ranks[rows, merged] = _NO_RANK
        self._parts[rows, at], self._next[rows, at] = rank, after
        self._previous[rows, after] = at
        self._rank(rows, at, after)
        before = self._previous[rows, at]
        inner = before >= 0
        self._rank(rows[inner], before[inner], at[inner])
        return True

    def _rank(self, rows: Int64s, left: Int64s, right: Int64s) -> None:
        pairs = self._merges.find(self._parts[rows, left], self._parts[rows, right])
        self._ranks[rows, left] = np.where(pairs < 0, _NO_RANK, pairs)


class MostProbablePieces:
    """A Unigram model: the pieces whose product of probabilities is largest, found by dynamic programming.

    Kudo, "Subword regularization", 2018. A character without a piece stands alone, at next to no probability.

    Args:
        trie: The pieces.
        scores: Logarithms of their probabilities, by token.
    """

    def __init__(self, trie: PieceTrie, scores: npt.NDArray[np.float64]) -> None:
        self._trie = trie
        self._scores = scores

    def cuts_in_steps(self, texts: TextTable, numbers: Int64s) -> Iterator[tuple[slice, Bools] | None]:
        """See `PieceTrie.cuts_in_steps`; `numbers` are those of the characters, [texts, longest]."""
        for block in _blocks(texts):
            rows, lengths = numbers[block], texts.lengths[block]
            best = np.full((len(rows), rows.shape[1] + 1), -np.inf)
            best[:, 0] = 0.0
            begins = np.zeros(best.shape, np.int64)
            """Where the last piece of the best path to each place begins."""
            for start in range(rows.shape[1]):
                self._extend(rows, np.flatnonzero(start < lengths), start, best, begins)
                yield None
            yield block, _traced(begins, lengths)

    def _extend(self, numbers: Int64s, rows: Int64s, start: int, best: npt.NDArray[np.float64], begins: Int64s) -> None:
        """Extends the best paths to `start` by one piece."""
        alone = rows
        nodes = np.zeros(len(rows), np.int64)
        here = best[:, start]
        for end in range(start + 1, numbers.shape[1] + 1):
            nodes = self._trie.below(nodes, numbers[rows, end - 1])
            rows, nodes = rows[nodes >= 0], nodes[nodes >= 0]
            if not len(rows):
                break
            tokens = self._trie.token[nodes]
            ended = tokens >= 0
            self._improve(rows[ended], start, end, here[rows[ended]] + self._scores[tokens[ended]], best, begins)
            if end == start + 1:
                alone = np.setdiff1d(alone, rows[ended], assume_unique=True)
        # Of equals the one that begins first, as in SentencePiece.
        self._improve(alone, start, start + 1, here[alone] + _NO_PIECE, best, begins)

    @staticmethod
    def _improve(
        rows: Int64s,
        start: int,
        end: int,
        score: npt.NDArray[np.float64],
        best: npt.NDArray[np.float64],
        begins: Int64s,
    ) -> None:
        better = score > best[rows, end]
        best[rows[better], end], begins[rows[better], end] = score[better], start


def _traced(begins: Int64s, lengths: Int64s) -> Bools:
    """The cuts on the best paths to the ends of texts."""
    cuts = np.zeros(begins.shape, np.bool_)
    rows, at = np.arange(len(lengths)), lengths
    while len(rows):
        cuts[rows, at] = True
        rows, at = rows[at > 0], at[at > 0]
        at = begins[rows, at]
    return cuts

"""The pieces of a tokenizer as a trie: how the tokenizer spells a text, and which other ways there are to spell it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

_NO_RANK = 1 << 30
_NO_PIECE = -1e4
"""Score of a character that has no piece; no path of pieces scores as little."""


class PieceTrie:
    """The pieces of a tokenizer as a trie.

    Args:
        pieces: Token strings by id.
        scores: Logarithms of their probabilities, of a Unigram tokenizer; None for BPE.
    """

    def __init__(self, pieces: Iterable[str], scores: Sequence[float] | None = None) -> None:
        self._ranks: dict[str, int] = {}
        self._children: list[dict[str, int]] = [{}]
        self._token: list[int | None] = [None]
        self._scores = scores
        for token, piece in enumerate(pieces):
            if not (piece.startswith("<") and piece.endswith(">")):  # <unk>, language tags and the like
                self._token[self._leaf(piece)] = token
                self._ranks.setdefault(piece, token)

    def segmented(self, text: str) -> list[str]:
        """The pieces by which the tokenizer spells a text."""
        return self._merged(text) if self._scores is None else self._most_probable(text, self._scores)

    def _merged(self, text: str) -> list[str]:
        """By BPE: merges in the order in which they were learned.

        SentencePiece and `tokenizers` number the pieces of a BPE model in that order.
        """
        parts = list(text)
        while len(parts) > 1:
            ranks = [self._ranks.get(a + b, _NO_RANK) for a, b in pairwise(parts)]
            best = min(ranks)
            if best == _NO_RANK:
                break
            at = ranks.index(best)
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
        return parts

    def _most_probable(self, text: str, scores: Sequence[float]) -> list[str]:
        """By a Unigram model: the pieces whose product of probabilities is largest, found by dynamic programming.

        Kudo, "Subword regularization", 2018. A character without a piece stands alone, at next to no probability.
        """
        best = [0.0, *(-math.inf for _ in text)]
        begins = [0] * len(best)
        for start, character in enumerate(text):
            ends = dict(self._pieces_at(text, start))
            if character not in self._ranks:
                ends[start + 1] = None
            for end, token in sorted(ends.items()):
                score = best[start] + (_NO_PIECE if token is None else scores[token])
                # Of equals the one that begins first, as in SentencePiece.
                if score > best[end]:
                    best[end], begins[end] = score, start
        cuts = [len(text)]
        while cuts[-1]:
            cuts.append(begins[cuts[-1]])
        return [text[start:end] for start, end in pairwise(reversed(cuts))]

    def _pieces_at(self, text: str, start: int) -> Iterator[tuple[int, int | None]]:
        """Where pieces that begin at `start` end, and their tokens."""
        node = 0
        for end in range(start, len(text)):
            below = self._children[node].get(text[end])
            if below is None:
                return
            node = below
            if self._token[node] is not None:
                yield end + 1, self._token[node]

    def _leaf(self, piece: str) -> int:
        at = 0
        for character in piece:
            if character not in self._children[at]:
                self._children[at][character] = len(self._children)
                self._children.append({})
                self._token.append(None)
            at = self._children[at][character]
        return at

    def spelled(self, children: list[dict[str, int]], node: int) -> Iterator[tuple[int, int]]:
        """Tokens that spell a path down another trie from one of its nodes, and the node where each ends."""
        ways = [(0, node)]
        while ways:
            mine, theirs = ways.pop()
            there, known = children[theirs], self._children[mine]
            for character in there.keys() & known.keys():
                to, below = there[character], known[character]
                ways.append((below, to))
                token = self._token[below]
                if token is not None:
                    yield token, to

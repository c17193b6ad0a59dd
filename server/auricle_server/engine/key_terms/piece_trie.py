"""The pieces of a tokenizer: as a trie, for all ways to spell a text, and how the tokenizer itself spells it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from auricle_server.engine.key_terms.arrays import Bools, Int64s, Integers, PairTable
from auricle_server.engine.key_terms.segmentation import MergedPieces, MostProbablePieces
from auricle_server.engine.key_terms.text_table import TextTable
from auricle_server.text.byte_pieces import byte_of, stand_in

NO_TOKEN = -1
_ROOT = 0


class PieceTrie:
    """The pieces of a tokenizer.

    Args:
        pieces: Token strings by id.
        scores: Logarithms of their probabilities, of a Unigram tokenizer; None for BPE.

    Attributes:
        token: Token that ends at each node of the trie, [nodes]; `NO_TOKEN` where none does. The root is node 0.
        longest: Characters of the longest piece.
    """

    def __init__(self, pieces: Sequence[str], scores: Sequence[float] | None = None) -> None:
        texts = {token: text for token, text in enumerate(map(_text_of, pieces)) if text}
        self.longest = max(map(len, texts.values()), default=0)
        characters = sorted({character for piece in texts.values() for character in piece})
        self._number_of = np.zeros(max(map(ord, characters), default=0) + 2, np.int64)
        """Number of each character (code point) of the pieces, from 1 on; 0 for all others."""
        self._number_of[[ord(character) for character in characters]] = np.arange(1, len(characters) + 1)
        self._children, self.token = self._build(texts)
        self._tokenizer: MergedPieces | MostProbablePieces
        if scores is None:
            self._tokenizer = MergedPieces(texts, characters)
        else:
            self._tokenizer = MostProbablePieces(self, np.array(scores, np.float64))

    def _build(self, texts: dict[int, str]) -> tuple[PairTable, Int64s]:
        children: dict[tuple[int, int], int] = {}
        token = {}
        for each, text in texts.items():
            node = _ROOT
            for character in text:
                step = node, int(self._number_of[ord(character)])
                node = children.setdefault(step, len(children) + 1)
            token[node] = each
        tokens = np.full(len(children) + 1, NO_TOKEN)
        tokens[list(token)] = list(token.values())
        return PairTable(children), tokens

    def numbers(self, codes: Integers) -> Int64s:
        """Numbers of characters, given as code points, any shape; 0 for those that no piece has."""
        return self._number_of.take(np.minimum(codes, len(self._number_of) - 1))

    def below(self, nodes: Int64s, characters: Int64s) -> Int64s:
        """The nodes below n nodes, each along one character (its number), [n]; -1 where there is none."""
        return self._children.find(nodes, characters)

    def cuts_in_steps(self, texts: TextTable) -> Iterator[tuple[slice, Bools] | None]:
        """Where the tokenizer's own pieces begin, for some texts after others.

        Yields:
            Some texts, and whether a piece of them begins (or the text ends) at each place, [texts, longest + 1];
            None in between, where the work may be interrupted.
        """
        return self._tokenizer.cuts_in_steps(texts, self.numbers(texts.codes))

    def segmented(self, text: str) -> list[str]:
        """The pieces by which the tokenizer spells a text."""
        done = [each for each in self.cuts_in_steps(TextTable([text])) if each is not None] if text else []
        places = [np.flatnonzero(cuts[0]).tolist() for _, cuts in done]
        return [text[begin:end] for each in places for begin, end in pairwise(each)]


def _text_of(piece: str) -> str:
    """What a token writes: for a byte its stand-in; nothing for <unk>, language tags and the like."""
    if (byte := byte_of(piece)) is not None:
        return stand_in(byte)
    return "" if piece.startswith("<") and piece.endswith(">") else piece

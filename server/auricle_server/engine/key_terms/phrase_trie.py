"""The spellings of phrases as a trie, character by character."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from auricle_server.engine.key_terms.arrays import Bools, Int64s, Integers, offsets
from auricle_server.engine.key_terms.text_table import TextTable
from auricle_server.text.byte_pieces import CONTINUATIONS
from auricle_server.text.vocabulary import WORD_START

_CODE_BITS = 21
"""Of a code point, and of one past the last."""


class PhraseTrie:
    """Nodes are numbered level by level, the root 0, and within a level in the order of their texts.

    So the children of a node have numbers in a row, and a node has a higher one than all that are shorter.

    Args:
        texts: Sorted, each once, none of them empty.

    Attributes:
        size: How many nodes there are.
        levels: First node of each level of characters, and `size`, [longest + 1].
        code: Code point of the character before each node, [size]; 0 for the root.
        parent: [size]; 0 for the root.
        first_child: [size].
        children: How many each node has, [size].
        matched: Characters that each node holds since the last end of a phrase, word marks not counted, [size]; one
            that several bytes spell counts once.
        suffix: Node of the longest proper suffix of each node's text that is in the trie, [size]; see `find_suffixes`.
    """

    def __init__(self, texts: TextTable) -> None:
        codes = np.ascontiguousarray(texts.codes.T)  # [longest, texts]: a level is a row
        new = self._new(codes, texts.inside.T)
        level, text = np.nonzero(new)
        self.size = 1 + len(level)
        self._nodes = np.zeros(codes.shape, np.int32)
        self._nodes[level, text] = np.arange(1, self.size)
        # The node of a text that shares it with those before it is that of the first one.
        np.maximum.accumulate(self._nodes, axis=1, out=self._nodes)
        self.levels: Int64s = np.concatenate((1 + offsets(new.sum(axis=1)), [self.size]))
        above = np.where(level > 0, self._nodes[level - 1, text], 0)
        self.parent: Int64s = np.concatenate(([0], above))
        self.code: Int64s = np.concatenate(([0], codes[level, text]))
        self.children: Int64s = np.bincount(above, minlength=self.size)
        self.first_child = 1 + offsets(self.children)
        self._keys = self._key(self.parent[1:], self.code[1:])
        self.matched = np.zeros(self.size, np.int64)
        self._count_characters(self._nodes[texts.lengths - 1, np.arange(len(texts.lengths))])
        self.suffix = np.zeros(self.size, np.int64)

    @staticmethod
    def _new(codes: Integers, inside: Bools) -> Bools:
        """At which places a text leaves all those before it, [longest, texts]."""
        same = codes[:, 1:] == codes[:, :-1]
        np.logical_and.accumulate(same, axis=0, out=same)
        new = inside.copy()
        new[:, 1:] &= ~same
        return new

    @staticmethod
    def _key(parent: Int64s, code: Int64s) -> Int64s:
        return parent << _CODE_BITS | code

    def _count_characters(self, ends: Integers) -> None:
        end = np.zeros(self.size, np.bool_)
        end[ends] = True
        counted = (self.code != ord(WORD_START)) & ~np.isin(self.code, CONTINUATIONS) & ~end
        for first, last in zip(self.levels, self.levels[1:], strict=False):
            matched = self.matched[self.parent[first:last]] + counted[first:last]
            self.matched[first:last] = np.where(end[first:last], 0, matched)

    def child(self, nodes: Int64s, codes: Int64s) -> Int64s:
        """The children of n nodes along these characters, [n]; 0 where there is none."""
        keys = self._key(nodes, codes)
        at = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        return np.where(self._keys.take(at) == keys, at + 1, 0)

    def find_suffixes(self) -> Iterator[None]:
        """Fills `suffix`, level by level, as Aho and Corasick do; yields where the work may be interrupted."""
        for first, last in zip(self.levels[1:], self.levels[2:], strict=False):
            nodes = np.arange(first, last)
            codes, at = self.code[first:last], self.suffix[self.parent[first:last]]
            while len(nodes):
                found = self.child(at, codes)
                self.suffix[nodes] = found
                further = (found == 0) & (at > 0)
                nodes, codes, at = nodes[further], codes[further], self.suffix[at[further]]
                yield

    def pieces(self, block: slice, cuts: Bools) -> tuple[Int64s, Int64s]:
        """At which nodes the pieces of some texts end.

        Args:
            block: Which texts.
            cuts: Whether a piece of them begins, or the text ends, at each place, [texts, longest + 1].

        Returns:
            The node after each piece and the piece's characters; pieces that texts share come several times.
        """
        text, place = np.nonzero(cuts)
        end = np.flatnonzero(text[1:] == text[:-1]) + 1
        return self._nodes[place[end] - 1, text[end] + block.start], place[end] - place[end - 1]

"""Automata of key terms in plain Python, one character and one arc at a time: what the engine's arrays must equal."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, pairwise

import numpy as np

from auricle_server.engine.key_terms.automaton import DEFAULT_BONUS, Automaton, Bonus
from auricle_server.text.vocabulary import WORD_START

_NO_RANK = 1 << 30
_NO_PIECE = -1e4
"""Score of a character that has no piece; no path of pieces scores as little."""


class ScalarPieceTrie:
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


def scalar_automaton(texts: Iterable[str], vocabulary: ScalarPieceTrie, bonus: Bonus = DEFAULT_BONUS) -> Automaton:
    """The automaton of these texts, in which U+2581 stands before each word."""
    trie = _Trie()
    for text in sorted(set(texts), key=len):  # so that an end is known before what continues it
        trie.add(text, vocabulary.segmented(text))
    trie.find_suffixes()
    walk = _Walk(trie, vocabulary, bonus)
    for node in walk.order:
        walk.visit(node)
    return walk.automaton()


class _Trie:
    """Spellings, character by character; nodes are numbered, 0 is the root.

    Attributes:
        children: Children of each node, by character.
        matched: Characters that each node holds since the last end of a phrase, word marks not counted.
        suffix: For each node, that of its text's longest proper suffix that is in the trie.
        canonical: Pairs of nodes between which the tokenizer's own segmentation has a piece.
    """

    def __init__(self) -> None:
        self.children: list[dict[str, int]] = [{}]
        self.matched = [0]
        self.suffix = [0]
        self.canonical: set[tuple[int, int]] = set()

    def add(self, text: str, pieces: list[str]) -> None:
        """Adds a spelling and the tokenizer's pieces of it; shorter spellings come first."""
        at, nodes = 0, [0]
        for character in text:
            if character not in self.children[at]:
                self.children[at][character] = len(self.children)
                self.children.append({})
                self.matched.append(self.matched[at] + (character != WORD_START))
                self.suffix.append(0)
            at = self.children[at][character]
            nodes.append(at)
        self.matched[at] = 0
        cuts = accumulate(map(len, pieces), initial=0)
        self.canonical |= {(nodes[begin], nodes[end]) for begin, end in pairwise(cuts)}

    def find_suffixes(self) -> None:
        """Fills `suffix`, level by level."""
        level = list(self.children[0].values())
        while level:
            below = []
            for node in level:
                for character, child in self.children[node].items():
                    self.suffix[child] = self._suffix_of(self.suffix[node], character)
                    below.append(child)
            level = below

    def _suffix_of(self, at: int, character: str) -> int:
        while at and character not in self.children[at]:
            at = self.suffix[at]
        return self.children[at].get(character, 0)


class _Walk:
    """The states that tokens lead to, in breadth-first order.

    Attributes:
        order: Their nodes; the list grows while they are visited.
    """

    def __init__(self, trie: _Trie, vocabulary: ScalarPieceTrie, bonus: Bonus) -> None:
        self.order = [0]
        self._numbers = {0: 0}
        self._trie = trie
        self._vocabulary = vocabulary
        self._bonus = bonus
        self._arcs: dict[int, dict[int, tuple[float, int]]] = {}
        self._first, self._tokens = array("i", [0]), array("i")
        self._bonuses, self._targets = array("f"), array("i")

    def _arcs_of(self, node: int) -> dict[int, tuple[float, int]]:
        if node not in self._arcs:
            value = self._bonus(self._trie.matched[node])
            paths = list(self._vocabulary.spelled(self._trie.children, node))
            canonical = {token for token, to in paths if (node, to) in self._trie.canonical}
            own = {token: (value if token in canonical or not canonical else 0.0, to) for token, to in paths}
            suffix = self._trie.suffix[node]
            # The longer text wins where both continue with the same token.
            self._arcs[node] = {**self._arcs_of(suffix), **own} if suffix else own
        return self._arcs[node]

    def visit(self, node: int) -> None:
        """Writes a state's arcs and numbers the states to which they lead."""
        for token, (value, to) in sorted(self._arcs_of(node).items()):
            if to not in self._numbers:
                self._numbers[to] = len(self.order)
                self.order.append(to)
            self._tokens.append(token)
            self._bonuses.append(value)
            self._targets.append(self._numbers[to])
        self._first.append(len(self._tokens))

    def automaton(self) -> Automaton:
        """The automaton of all visited states."""
        columns = (np.frombuffer(each, np.int32) for each in (self._first, self._tokens, self._targets))
        first, tokens, targets = columns
        return Automaton(first, tokens, np.frombuffer(self._bonuses, np.float32), targets)

"""A list of phrases as one deterministic automaton over token ids, in columns that a device can hold.

A state is the text of a begun phrase: a node of the trie of all spellings, character by character. Arcs are tokens: all
pieces of the vocabulary that spell a path down the trie, so that every segmentation of a phrase leads along it, because
a model spells a name that it has never met as it sounds. But where the tokenizer's own segmentation continues, only
that one gets the bonus: a model that was trained on it does not continue from another (it never emits "ap" as "a" and
"p"). Where no longer text continues with a token, the longest suffix of the text that begins a phrase continues instead
(Aho and Corasick, "Efficient string matching", 1975). Most phrases begin with a word mark, so such suffixes do too:
there are few.

A state's arcs are two lists: its own, with those of its suffixes, and those of the root, which all states share.
"""

from __future__ import annotations

from array import array
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np
import numpy.typing as npt

from auricle_server.engine.key_terms.piece_trie import PieceTrie
from auricle_server.text.vocabulary import WORD_START

Int32s = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Bonus:
    """What an arc adds to a token's score, in nats. Chosen by `python -m tests.bench.keyterms`, on names made for it.

    Attributes:
        first: For an arc that begins a phrase.
        growth: For an arc that continues one, times the characters of the phrase so far, the first one not counted: one
            character is little evidence, and each further one adds some.
        most: Upper bound.
    """

    first: float = 0.25
    growth: float = 3.5
    most: float = 14.0

    def __call__(self, characters: int) -> float:
        """The bonus of an arc out of a state that holds so many characters of a phrase."""
        return min(self.most, self.growth * (characters - 1)) if characters else self.first


DEFAULT_BONUS = Bonus()


@dataclass(frozen=True, slots=True)
class Automaton:
    """States 0 (the root) to S - 1; arcs in the order of their states.

    Attributes:
        first: Index of each state's first arc, [S + 1]; the last entry is the number of arcs.
        tokens: Token of each arc, [A], int32; in a state each token at most once, ascending.
        bonuses: Bonus of each arc, [A], fp32.
        targets: State to which each arc leads, [A], int32.
    """

    first: Int32s
    tokens: Int32s
    bonuses: npt.NDArray[np.float32]
    targets: Int32s

    @property
    def states(self) -> int:
        """How many states there are."""
        return len(self.first) - 1

    def arcs(self, state: int) -> dict[int, tuple[float, int]]:
        """Bonus and target of a state's own arcs by token."""
        span = slice(int(self.first[state]), int(self.first[state + 1]))
        rows = zip(self.bonuses[span].tolist(), self.targets[span].tolist(), strict=True)
        return dict(zip(self.tokens[span].tolist(), rows, strict=True))


def build_automaton(texts: Iterable[str], vocabulary: PieceTrie, bonus: Bonus = DEFAULT_BONUS) -> Automaton:
    """The automaton of these texts, in which U+2581 stands before each word."""
    steps = build_automaton_in_steps(texts, vocabulary, bonus)
    while True:
        try:
            next(steps)
        except StopIteration as done:
            automaton: Automaton = done.value
            return automaton


def build_automaton_in_steps(
    texts: Iterable[str], vocabulary: PieceTrie, bonus: Bonus = DEFAULT_BONUS
) -> Generator[None, None, Automaton]:
    """Like `build_automaton`, as a generator that yields every few microseconds, so that a step can interrupt it."""
    trie = _Trie()
    for text in sorted(set(texts), key=len):  # so that an end is known before what continues it
        trie.add(text, vocabulary.segmented(text))
        yield
    yield from trie.find_suffixes()
    walk = _Walk(trie, vocabulary, bonus)
    for node in walk.order:
        walk.visit(node)
        yield
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

    def find_suffixes(self) -> Iterator[None]:
        """Fills `suffix`, level by level."""
        level = list(self.children[0].values())
        while level:
            below = []
            for node in level:
                for character, child in self.children[node].items():
                    self.suffix[child] = self._suffix_of(self.suffix[node], character)
                    below.append(child)
                yield
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

    def __init__(self, trie: _Trie, vocabulary: PieceTrie, bonus: Bonus) -> None:
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

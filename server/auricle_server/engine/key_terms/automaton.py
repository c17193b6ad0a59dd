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

from collections.abc import Generator, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from auricle_server.engine.key_terms.arrays import Bools, Int64s
from auricle_server.engine.key_terms.automaton_builder import (
    ArcLists,
    Float32s,
    OwnArcs,
    StateNumbers,
    TooManyArcs,
    write_arcs,
)
from auricle_server.engine.key_terms.phrase_trie import PhraseTrie
from auricle_server.engine.key_terms.piece_trie import PieceTrie
from auricle_server.engine.key_terms.text_table import TextTable

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
    texts: Iterable[str], vocabulary: PieceTrie, bonus: Bonus = DEFAULT_BONUS, most: tuple[int, int] | None = None
) -> Generator[None, None, Automaton]:
    """Like `build_automaton`, as a generator that yields every millisecond or sooner, so that a step can interrupt it.

    Args:
        texts: As in `build_automaton`.
        vocabulary: The tokenizer's pieces.
        bonus: What the arcs add.
        most: States and arcs that there may be; None for any number.

    Raises:
        TooManyArcs: There would be more.
    """
    ordered = sorted({text for text in texts if text})
    if not ordered:
        return _Writer().automaton()
    states, arcs = most or (np.iinfo(np.int32).max,) * 2
    table = TextTable(ordered)
    yield
    trie = PhraseTrie(table)
    yield
    canonical = yield from _canonical(table, trie, vocabulary)
    yield from trie.find_suffixes()
    own = OwnArcs(trie.size)
    yield from own.find(trie, vocabulary, canonical, _values(bonus, trie.matched))
    lists, numbers = ArcLists(trie, own), StateNumbers(trie)
    yield from lists.prepare(arcs)
    yield from numbers.assign(own, lists)
    if len(numbers.order) > states:
        raise TooManyArcs
    writer = _Writer()
    for _ in write_arcs(own, lists, numbers, writer.append):
        if writer.arcs > arcs:
            raise TooManyArcs
        yield
    return writer.automaton()


def _canonical(table: TextTable, trie: PhraseTrie, vocabulary: PieceTrie) -> Generator[None, None, Bools]:
    """Where the pieces of the tokenizer's own segmentation end: see `OwnArcs.find`."""
    longest = min(vocabulary.longest, table.codes.shape[1])
    canonical = np.zeros((trie.size, longest + 1), np.bool_)
    for done in vocabulary.cuts_in_steps(table):
        if done is not None:
            nodes, lengths = trie.pieces(*done)
            known = lengths <= longest  # what no piece spells is cut too
            canonical[nodes[known], lengths[known]] = True
        yield
    return canonical


def _values(bonus: Bonus, matched: Int64s) -> Float32s:
    return np.array([bonus(characters) for characters in range(int(matched.max()) + 1)], np.float32).take(matched)


class _Writer:
    """Collects the arcs of states.

    Attributes:
        arcs: How many there are.
    """

    def __init__(self) -> None:
        self.arcs = 0
        self._counts: list[Int32s] = []
        self._columns: tuple[list[Int32s], list[Float32s], list[Int32s]] = [], [], []

    def append(self, counts: Int64s, tokens: Int64s, bonuses: Float32s, targets: Int64s) -> None:
        """Takes the arcs of the states that follow: how many each has, their tokens, bonuses and targets."""
        self.arcs += len(tokens)
        self._counts.append(counts.astype(np.int32))
        columns = self._columns
        columns[0].append(tokens.astype(np.int32))
        columns[1].append(bonuses)
        columns[2].append(targets.astype(np.int32))

    def automaton(self) -> Automaton:
        """The automaton of these states; of none it is a root without arcs."""
        counts = np.concatenate(self._counts or [np.zeros(1, np.int32)])
        first = np.concatenate((np.zeros(1, np.int32), np.cumsum(counts, dtype=np.int32)))
        tokens, bonuses, targets = self._columns
        none = np.zeros(0, np.int32)
        return Automaton(
            first,
            np.concatenate(tokens or [none]),
            np.concatenate(bonuses or [none.astype(np.float32)]),
            np.concatenate(targets or [none]),
        )

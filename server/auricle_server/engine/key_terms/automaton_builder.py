"""Builds the arrays of an automaton from those of two tries, in steps that can be interrupted.

No step grows with the number of phrases, but for those over all their characters at once, which take a millisecond for
a hundred thousand.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from auricle_server.engine.key_terms.arrays import Bools, Int64s, offsets, spans
from auricle_server.engine.key_terms.phrase_trie import PhraseTrie
from auricle_server.engine.key_terms.piece_trie import PieceTrie

Float32s = npt.NDArray[np.float32]

_NODES = 1 << 12
"""Nodes whose arcs are found together."""
_ARCS = 1 << 15
"""Arcs that are written together, but for those of one node."""


class TooManyArcs(Exception):
    """The automaton has more states or arcs than there may be."""


class OwnArcs:
    """The arcs of each node down the trie: all pieces that spell a path, in the order of their nodes and tokens.

    Attributes:
        first: Index of each node's first arc, [nodes].
        count: How many each node has, [nodes].
        token: Of each arc.
        target: Node to which each arc leads.
        bonus: Of each arc.
    """

    def __init__(self, nodes: int) -> None:
        self.first = self.count = np.zeros(nodes, np.int64)
        self.token = self.target = np.zeros(0, np.int64)
        self.bonus = np.zeros(0, np.float32)

    def find(self, trie: PhraseTrie, pieces: PieceTrie, canonical: Bools, value: Float32s) -> Iterator[None]:
        """Finds all arcs; yields where the work may be interrupted.

        Args:
            trie: The phrases.
            pieces: The tokenizer.
            canonical: Whether a piece of the tokenizer's own segmentation, of so many characters, ends at a node,
                [nodes, longest piece + 1].
            value: Bonus of the arcs out of each node, [nodes].
        """
        numbers = pieces.numbers(trie.code)
        parts: list[tuple[Int64s, Int64s, Int64s, Float32s]] = []
        for begin in range(0, trie.size, _NODES):
            origins = np.arange(begin, min(begin + _NODES, trie.size))
            found: list[tuple[Int64s, Int64s, Int64s, Bools]] = []
            origin, node, at = origins, origins, np.zeros(len(origins), np.int64)
            for length in itertools.count(1):
                counts = trie.children.take(node)
                below = spans(trie.first_child.take(node), counts)
                origin, at = np.repeat(origin, counts), np.repeat(at, counts)
                at = pieces.below(at, numbers.take(below))
                alive = np.flatnonzero(at >= 0)
                origin, node, at = origin.take(alive), below.take(alive), at.take(alive)
                if not len(alive):
                    break
                token = pieces.token.take(at)
                ended = np.flatnonzero(token >= 0)
                target = node.take(ended)
                found.append((origin.take(ended), token.take(ended), target, canonical[target, length]))
                yield
            if found:
                parts.append(self._sorted(found, value))
            yield
        if parts:
            columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
            origin, self.token, self.target, self.bonus = columns
            self.count = np.bincount(origin, minlength=trie.size)
            self.first = offsets(self.count)

    @staticmethod
    def _sorted(
        found: list[tuple[Int64s, Int64s, Int64s, Bools]], value: Float32s
    ) -> tuple[Int64s, Int64s, Int64s, Float32s]:
        """Origin, token, target and bonus of arcs whose origins have numbers in a row."""
        origin, token, target, canonical = (np.concatenate(column) for column in zip(*found, strict=True))
        if not len(origin):
            return origin, token, target, np.zeros(0, np.float32)
        # Two passes, the second one stable. NumPy sorts 16 bits in linear time.
        base = int(origin.min())
        order = np.argsort(_narrow(token), kind="stable")
        order = order.take(np.argsort(_narrow(origin.take(order) - base), kind="stable"))
        origin, canonical = origin.take(order), canonical.take(order)
        continued = np.zeros(int(origin.max()) - base + 1, np.bool_)
        """Whether the tokenizer's own segmentation continues at a node."""
        continued[origin[canonical] - base] = True
        favoured = canonical | ~continued.take(origin - base)
        bonus = np.where(favoured, value.take(origin), np.float32(0))
        return origin, token.take(order), target.take(order), bonus


def _narrow(values: Int64s) -> npt.NDArray[np.unsignedinteger]:
    return values.astype(np.uint16 if int(values.max()) < 1 << 16 else np.uint32)


class ArcLists:
    """All arcs of each node: its own, and of its suffixes those whose token it has none for.

    Args:
        trie: The phrases.
        own: The arcs down the trie.
    """

    def __init__(self, trie: PhraseTrie, own: OwnArcs) -> None:
        self._trie = trie
        self._own = own
        # Lists of the nodes that are suffixes of others: every list is one of these, and few arcs of its own.
        self._first, self._count = np.zeros(trie.size, np.int64), np.zeros(trie.size, np.int64)
        self._arcs = np.zeros(0, np.int64)
        self._tokens = np.zeros(0, np.int64)

    def prepare(self, most: int) -> Iterator[None]:
        """Makes the lists that others rest on, the short texts' first; yields where the work may be interrupted.

        Raises:
            TooManyArcs: They have more than `most` arcs.
        """
        used = np.zeros(self._trie.size, np.bool_)
        used[self._trie.suffix] = True
        used[0] = False
        length = 0
        for first, last in zip(self._trie.levels, self._trie.levels[1:], strict=False):
            nodes = first + np.flatnonzero(used[first:last])
            for block in self._blocks(nodes):
                counts, arcs = self.of(block)
                self._reserve(length + len(arcs))
                self._first[block], self._count[block] = length + offsets(counts), counts
                self._arcs[length : length + len(arcs)] = arcs
                self._tokens[length : length + len(arcs)] = self._own.token.take(arcs)
                length += len(arcs)
                if length > most:
                    raise TooManyArcs
                yield

    def _reserve(self, length: int) -> None:
        if length > len(self._arcs):
            more = np.zeros(max(length, 2 * len(self._arcs)) - len(self._arcs), np.int64)
            self._arcs, self._tokens = np.concatenate((self._arcs, more)), np.concatenate((self._tokens, more))

    def _blocks(self, nodes: Int64s) -> Iterator[Int64s]:
        """The nodes, in groups that have a bounded number of arcs."""
        most = self._own.count.take(nodes) + self._count.take(self._trie.suffix.take(nodes))
        group = np.cumsum(most) // _ARCS
        yield from np.split(nodes, np.flatnonzero(np.diff(group)) + 1) if len(nodes) else ()

    def blocks(self, nodes: Int64s) -> Iterator[Int64s]:
        """The nodes, in groups that have a bounded number of arcs; to be used once `prepare` is done."""
        return self._blocks(nodes)

    def of(self, nodes: Int64s) -> tuple[Int64s, Int64s]:
        """The lists of n nodes whose suffixes are prepared.

        Returns:
            How many arcs each has, [n], and the arcs, one list after the other, each in the order of tokens, as indices
            of the own arcs.
        """
        suffix = self._trie.suffix.take(nodes)
        own_count, shared_count = self._own.count.take(nodes), self._count.take(suffix)
        own, shared_first = spans(self._own.first.take(nodes), own_count), self._first.take(suffix)
        if not shared_count.any():
            return own_count, own
        row = np.repeat(np.arange(len(nodes)), own_count)
        rank, known = self._rank(self._own.token.take(own), shared_first.take(row), shared_count.take(row))
        # Where both continue with a token, the longer text wins.
        counts = own_count + shared_count - np.bincount(row[known], minlength=len(nodes))
        shared = spans(shared_first, shared_count)
        keep = np.ones(len(shared), np.bool_)
        keep[(offsets(shared_count).take(row) + rank)[known]] = False
        # An own arc that the shared list has too takes that one's place: those after it move up.
        before = np.concatenate(([0], np.cumsum(known)))
        begin = offsets(own_count).take(row)
        moved = before[:-1] - before.take(begin)
        within = np.arange(len(own)) - begin
        place = offsets(counts).take(row) + rank + within - moved
        arcs = np.empty(int(counts.sum()), np.int64)
        rest = np.ones(len(arcs), np.bool_)
        rest[place] = False
        arcs[place], arcs[rest] = own, self._arcs.take(shared[keep])
        return counts, arcs

    def _rank(self, token: Int64s, first: Int64s, count: Int64s) -> tuple[Int64s, Bools]:
        """Place of each token in a prepared list, and whether the list has it."""
        low, high = first.copy(), first + count
        for _ in range(int(count.max(initial=0)).bit_length()):
            middle = low + high >> 1
            less = (low < high) & (self._tokens.take(np.minimum(middle, len(self._tokens) - 1)) < token)
            low, high = np.where(less, middle + 1, low), np.where(less | (low >= high), high, middle)
        known = (low < first + count) & (self._tokens.take(np.minimum(low, len(self._tokens) - 1)) == token)
        return low - first, known


class StateNumbers:
    """The states: nodes that tokens lead to, numbered in breadth-first order.

    Attributes:
        of: Number of each node, [nodes]; -1 for those that no token leads to.
        order: The nodes by their numbers, [states]; complete once `assign` is done.
    """

    def __init__(self, trie: PhraseTrie) -> None:
        self.of = np.full(trie.size, -1)
        self.of[0] = 0
        self.order = np.zeros(trie.size, np.int64)
        self._suffix = trie.suffix

    def assign(self, own: OwnArcs, lists: ArcLists) -> Iterator[None]:
        """Numbers all states; yields where the work may be interrupted."""
        done, known = 0, 1
        first_at = np.zeros(len(self.of), np.int64)
        while done < known:
            nodes = self.order[done : min(known, done + _NODES)]
            targets = own.target.take(self._new_arcs(nodes, own, lists))
            targets = targets[self.of.take(targets) < 0]
            # The last write counts: backwards, that is the first place of each target.
            first_at[targets[::-1]] = np.arange(len(targets))[::-1]
            targets = targets[first_at.take(targets) == np.arange(len(targets))]
            self.of[targets] = known + np.arange(len(targets))
            self.order[known : known + len(targets)] = targets
            done, known = done + len(nodes), known + len(targets)
            yield
        self.order = self.order[:known]

    def _new_arcs(self, nodes: Int64s, own: OwnArcs, lists: ArcLists) -> Int64s:
        """Arcs of the nodes that may lead to states without a number, in order."""
        # A suffix that was visited before has led to all states that its arcs lead to.
        suffix = self._suffix.take(nodes)
        visited = self.of.take(suffix)
        if ((visited >= 0) & ((visited < self.of.take(nodes)) | (suffix == 0))).all():
            return spans(own.first.take(nodes), own.count.take(nodes))
        return lists.of(nodes)[1]


Append = Callable[[Int64s, Int64s, Float32s, Int64s], None]
"""Takes the arcs of the states that follow: how many each has, and tokens, bonuses and targets."""


def write_arcs(own: OwnArcs, lists: ArcLists, numbers: StateNumbers, append: Append) -> Iterator[None]:
    """Writes the arcs of all states, in their order; yields where the work may be interrupted."""
    for nodes in lists.blocks(numbers.order):
        counts, arcs = lists.of(nodes)
        append(counts, own.token.take(arcs), own.bonus.take(arcs), numbers.of.take(own.target.take(arcs)))
        yield

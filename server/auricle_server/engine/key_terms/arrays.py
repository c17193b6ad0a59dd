"""Array operations that automata of key terms are built with: spans of arrays, and a hash table of pairs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

Int64s = npt.NDArray[np.int64]
Integers = npt.NDArray[np.signedinteger]
Bools = npt.NDArray[np.bool_]

_EMPTY = -1
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
"""2 ** 64 divided by the golden ratio (Knuth, "The Art of Computer Programming", 6.4): neighbouring keys are spread."""
_SPARSE = 4
"""Slots for each key: three keys in four are then found at the first look."""


def spans(first: Int64s, counts: Int64s) -> Int64s:
    """The indices ``first[i], ..., first[i] + counts[i] - 1`` of all i, one after the other, [sum of counts]."""
    ends = np.cumsum(counts)
    indices: Int64s = np.repeat(first - ends + counts, counts)
    indices += np.arange(len(indices))
    return indices


def offsets(counts: Int64s) -> Int64s:
    """Where each span begins when spans of these lengths lie one after the other, [n]."""
    begin: Int64s = np.cumsum(counts) - counts
    return begin


class PairTable:
    """Numbers by pairs of numbers, looked up for many pairs at once. Linear probing, without removal.

    Args:
        entries: Value (>= 0) of each pair; both numbers of a pair are from 0 to 2 ** 31 - 1.
    """

    def __init__(self, entries: Mapping[tuple[int, int], int]) -> None:
        bits = max(4, (_SPARSE * len(entries) - 1).bit_length())
        self._shift, self._mask = np.uint64(64 - bits), (1 << bits) - 1
        self._keys, self._values = np.full(1 << bits, _EMPTY), np.full(1 << bits, _EMPTY)
        pairs = np.array(list(entries), np.int64).reshape(-1, 2)
        self._insert(self._key(pairs[:, 0], pairs[:, 1]), np.fromiter(entries.values(), np.int64, len(entries)))

    @staticmethod
    def _key(left: Int64s, right: Int64s) -> Int64s:
        return left << 32 | right

    def _slot(self, keys: Int64s) -> Int64s:
        return (keys.view(np.uint64) * _MULTIPLIER >> self._shift).view(np.int64)

    def _insert(self, keys: Int64s, values: Int64s) -> None:
        slots = self._slot(keys)
        while len(keys):
            free = self._keys[slots] == _EMPTY
            self._keys[slots[free]] = keys[free]  # of several keys for a slot one is written
            placed = free & (self._keys[slots] == keys)
            self._values[slots[placed]] = values[placed]
            keys, values, slots = keys[~placed], values[~placed], slots[~placed] + 1 & self._mask

    def find(self, left: Int64s, right: Int64s) -> Int64s:
        """The values of n pairs, [n]; -1 where there is none. Numbers below 0 are in no pair."""
        keys = self._key(left, right)
        slots = self._slot(keys)
        there = self._keys.take(slots)
        values = np.where(there == keys, self._values.take(slots), _EMPTY)
        unsettled = np.flatnonzero((there != keys) & (there != _EMPTY))
        slots = slots.take(unsettled)
        while len(unsettled):
            slots = slots + 1 & self._mask
            there = self._keys.take(slots)
            found = there == keys.take(unsettled)
            values[unsettled[found]] = self._values.take(slots[found])
            further = ~found & (there != _EMPTY)
            unsettled, slots = unsettled[further], slots[further]
        return values

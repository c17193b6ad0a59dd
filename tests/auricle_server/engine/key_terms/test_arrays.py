"""Spans and the table of pairs, against plain Python."""

from __future__ import annotations

import random

import numpy as np

from auricle_server.engine.key_terms.arrays import PairTable, offsets, spans


def test_spans_are_ranges_one_after_the_other() -> None:
    first, counts = np.array([5, 0, 7, 2]), np.array([2, 0, 3, 1])
    assert spans(first, counts).tolist() == [5, 6, 7, 8, 9, 2]
    assert offsets(counts).tolist() == [0, 2, 2, 5]
    assert spans(np.zeros(0, np.int64), np.zeros(0, np.int64)).tolist() == []


def test_a_table_of_pairs_has_what_a_dictionary_has() -> None:
    rng = random.Random(4)
    entries = {(rng.randrange(300), rng.randrange(300)): rng.randrange(1 << 40) for _ in range(5000)}
    table = PairTable(entries)
    asked = [*entries, *((rng.randrange(-1, 400), rng.randrange(-1, 400)) for _ in range(5000))]
    found = table.find(np.array([left for left, _ in asked]), np.array([right for _, right in asked]))
    assert found.tolist() == [entries.get(pair, -1) for pair in asked]


def test_an_empty_table_has_nothing() -> None:
    assert PairTable({}).find(np.arange(-2, 3), np.arange(-2, 3)).tolist() == [-1] * 5

from __future__ import annotations

import numpy as np
import torch

from auricle_server.engine.key_terms.automaton import build_automaton
from auricle_server.engine.key_terms.automaton_cache import TableSpan
from auricle_server.engine.key_terms.piece_trie import PieceTrie
from auricle_server.engine.model.key_term_tables import KeyTermPool, Size

PIECES = ("▁", "a", "b", "ab")


def test_an_automaton_is_moved_to_its_span() -> None:
    automaton = build_automaton(["▁ab"], PieceTrie(PIECES))
    pool = KeyTermPool(Size(50, 200), len(PIECES), torch.device("cpu"))
    state, arc = 10, 30
    pool.load(TableSpan(state, arc), automaton)
    tables = pool.tables
    for number in range(automaton.states):
        first, count = int(tables.first[state + number]), int(tables.count[state + number])
        found = {
            int(tables.tokens[at]): (float(tables.bonuses[at]), int(tables.targets[at]) - state)
            for at in range(first, first + count)
        }
        assert found == automaton.arcs(number)
        assert tables.root[state + number] == state
    assert not tables.count[:state].any()


def test_tables_have_the_types_that_the_kernels_read() -> None:
    pool = KeyTermPool(Size(3, 4), 7, torch.device("cpu"))
    assert pool.size == (3, 4)
    assert {tensor.dtype for tensor in (pool.tables.first, pool.tables.count, pool.tables.root)} == {torch.int32}
    assert pool.tables.bonuses.dtype == torch.float32
    assert (len(pool.tables.first), len(pool.tables.tokens), pool.tables.widest) == (3, 4, 7)
    assert pool.tables.first.numpy().dtype == np.int32

from __future__ import annotations

from itertools import pairwise

import pytest

from auricle_server.engine.runners.shapes import FRAMES, ProgramShape, capture_order, row_counts

MOST = {1: 2048, 2: 2048, 4: 1024, 7: 585, 14: 292}


@pytest.mark.parametrize("frames", MOST)
@pytest.mark.parametrize("limit", [None, 1, 3, 100])
def test_shapes_hold_every_batch_and_are_even(frames: int, limit: int | None) -> None:
    most = limit or MOST[frames]
    counts = row_counts(frames, most)
    assert list(counts) == sorted(set(counts))
    assert most <= counts[-1] <= most + 1
    assert all(count % 2 == 0 for count in counts)


@pytest.mark.parametrize("frames", MOST)
def test_of_a_batch_that_more_than_memory_bounds_a_third_is_padding_at_most(frames: int) -> None:
    counts = row_counts(frames, MOST[frames])
    for smaller, larger in pairwise(counts):
        if smaller * frames >= FRAMES[1]:
            assert (larger - smaller - 1) / larger <= 0.36


def test_there_are_fewer_than_fifty_shapes_for_a_published_model() -> None:
    assert sum(len(row_counts(frames, most)) for frames, most in MOST.items() if frames != 4) < 50


def test_the_largest_of_each_chunk_size_come_first_then_the_smallest() -> None:
    order = capture_order({1: (2, 4, 8, 16, 32), 14: (2, 4)}, terms=True)
    assert order == [
        ProgramShape(1, 32, False),
        ProgramShape(14, 4, False),
        ProgramShape(1, 32, True),
        ProgramShape(14, 4, True),
        ProgramShape(1, 2, False),
        ProgramShape(14, 2, False),
        ProgramShape(1, 8, False),
        ProgramShape(1, 4, False),
        ProgramShape(1, 16, False),
        ProgramShape(1, 2, True),
        ProgramShape(14, 2, True),
        ProgramShape(1, 8, True),
        ProgramShape(1, 4, True),
        ProgramShape(1, 16, True),
    ]


@pytest.mark.parametrize("terms", [False, True])
def test_every_shape_is_captured_once(terms: bool) -> None:
    counts = {frames: row_counts(frames, most) for frames, most in MOST.items()}
    order = capture_order(counts, terms)
    assert len(set(order)) == len(order) == (1 + terms) * sum(map(len, counts.values()))
    assert {(shape.frames, shape.rows) for shape in order} == {(c, n) for c, rows in counts.items() for n in rows}


def test_one_shape_and_none() -> None:
    assert capture_order({1: (2,)}, terms=False) == [ProgramShape(1, 2, False)]
    assert capture_order({}, terms=True) == []

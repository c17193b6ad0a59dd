from __future__ import annotations

from auricle_server.engine.key_terms.span_allocator import SpanAllocator


def test_free_and_allocated_spans_balance() -> None:
    spans = SpanAllocator(1, 11)
    first, second, third = spans.take(3), spans.take(4), spans.take(3)
    assert (first, second, third, spans.take(1), spans.free) == (1, 4, 8, None, 0)
    spans.release(4, 4)
    assert (spans.take(5), spans.take(4)) == (None, 4)
    for begin, size in ((8, 3), (1, 3), (4, 4)):
        spans.release(begin, size)
    assert (spans.free, spans.take(10)) == (10, 1)
    spans.release(7, 0)
    assert spans.take(0) is None or spans.free == 0


def test_freed_neighbours_join_so_that_a_larger_span_fits() -> None:
    spans = SpanAllocator(0, 6)
    assert [spans.take(2) for _ in range(3)] == [0, 2, 4]
    spans.release(0, 2)
    spans.release(4, 2)
    assert spans.take(4) is None
    spans.release(2, 2)
    assert spans.take(6) == 0

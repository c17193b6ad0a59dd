from __future__ import annotations

import random

from auricle_server.engine.batcher import Batcher


def test_one_batch_has_one_chunk_size() -> None:
    batcher: Batcher[str] = Batcher(0.08, 10)
    for key, frames in {"a": 1, "b": 14, "c": 1, "d": 7}.items():
        batcher.add(key, frames, now=0.0)
    assert [sorted(batcher.pick()) for _ in range(3)] == [["a", "c"], ["d"], ["b"]]
    assert batcher.pick() == []


def test_the_earliest_deadline_goes_first() -> None:
    batcher: Batcher[str] = Batcher(0.08, 10)
    batcher.add("slow, long ago", 14, now=0.0)
    batcher.add("fast, just now", 1, now=1.1)
    assert batcher.pick() == ["slow, long ago"]
    assert batcher.pick() == ["fast, just now"]


def test_a_full_batch_takes_the_rows_that_are_due_first() -> None:
    batcher: Batcher[int] = Batcher(0.08, 3)
    for key in random.Random(0).sample(range(8), 8):
        batcher.add(key, 1, now=float(key))
    assert batcher.pick() == [0, 1, 2]
    assert batcher.pick() == [3, 4, 5]
    assert len(batcher) == 2


def test_no_row_starves_under_steady_overload() -> None:
    batcher: Batcher[tuple[int, int]] = Batcher(0.08, 2)
    added: dict[tuple[int, int], int] = {}
    waits = []
    for tick in range(600):
        if tick < 500:
            for stream in range(3):
                key = stream, tick
                batcher.add(key, (1, 2, 14)[stream], now=tick * 0.08)
                added[key] = tick
        picked = batcher.pick() + batcher.pick()
        waits += [(key[0], tick - added.pop(key)) for key in picked]
    longest = {stream: max(wait for key, wait in waits if key == stream) for stream in range(3)}
    assert max(longest.values()) - min(longest.values()) <= 14


def test_a_discarded_row_is_not_picked() -> None:
    batcher: Batcher[str] = Batcher(0.08, 10)
    batcher.add("a", 1, now=0.0)
    batcher.discard("a")
    batcher.discard("never there")
    assert len(batcher) == 0
    assert batcher.pick() == []


def test_a_key_has_one_row_at_a_time() -> None:
    batcher: Batcher[str] = Batcher(0.08, 10)
    batcher.add("a", 1, now=0.0)
    batcher.add("a", 1, now=5.0)
    assert batcher.pick() == ["a"]
    assert batcher.pick() == []

from __future__ import annotations

import mmap

from auricle_server.bench.engine.process_child import memory


def test_memory_is_what_the_process_holds_now_and_held_at_most() -> None:
    before = memory()
    # A mapping of its own: the C library would keep what an array leaves, and reuse it.
    with mmap.mmap(-1, 64 << 20) as block:
        block.write(bytes(64 << 20))
        during = memory()
    after = memory()
    assert during["resident_bytes"] - before["resident_bytes"] > 60_000_000
    assert during["resident_bytes"] - after["resident_bytes"] > 60_000_000
    # The system counts pages of a thread in batches, and the peak a little late.
    assert after["peak_bytes"] > 0.99 * during["resident_bytes"]
    assert 0 < after["mapped_file_bytes"] < after["resident_bytes"]

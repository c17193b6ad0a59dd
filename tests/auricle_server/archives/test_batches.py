from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auricle_server.archives.batches import MOST_BYTES, MOST_FILES, pack
from auricle_server.archives.inputs.sources import ArchiveFile

SIZES = st.lists(st.none() | st.integers(0, 2 * MOST_BYTES), max_size=300)


@given(SIZES, st.integers(1, 9))
def test_every_file_is_in_one_batch(sizes: list[int | None], workers: int) -> None:
    files = [ArchiveFile(f"/{number}", size) for number, size in enumerate(sizes)]
    batches = list(pack(files, workers))
    assert sorted(file.source for batch in batches for file in batch) == sorted(file.source for file in files)
    assert all(1 <= len(batch) <= MOST_FILES for batch in batches)
    for batch in batches:
        assert len(batch) == 1 or sum(file.size or 0 for file in batch) <= MOST_BYTES


def test_long_ones_first_and_alone_short_ones_together() -> None:
    files = [ArchiveFile(f"/{number}", 1000) for number in range(2000)] + [ArchiveFile("/long", MOST_BYTES * 3)]
    first, second, *_ = pack(files, 2)
    assert [file.source for file in first] == ["/long"]
    assert len(second) == MOST_FILES


@pytest.mark.parametrize("workers", [1, 4])
def test_a_small_archive_is_shared_out(workers: int) -> None:
    assert len(list(pack([ArchiveFile(f"/{number}", 10) for number in range(16)], workers))) >= 2 * workers

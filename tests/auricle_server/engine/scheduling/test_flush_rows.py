"""In how large a chunk a flush is decoded."""

from __future__ import annotations

import pytest

from auricle_server.engine.scheduling.flush_rows import MOST_TWICE, SILENT_FRAMES, frames_of_flush

SIZES = (1, 2, 7, 14)


@pytest.mark.parametrize(
    ("pending", "frames", "whole", "last", "expected"),
    [
        (0, 2, False, False, 0),
        (1, 2, False, False, 7),
        (2, 2, True, False, 7),
        (MOST_TWICE + 1, 2, True, False, 0),
        (9, 14, False, False, 14),
        (12, 14, False, False, 14),
        (1, 2, False, True, 2),
        (2, 2, True, True, 0),
    ],
)
def test_the_chunk_holds_what_waits_and_silence(
    pending: int, frames: int, whole: bool, last: bool, expected: int
) -> None:
    assert frames_of_flush(pending, frames, SIZES, whole=whole, last=last) == expected


def test_silence_does_not_fit_behind_a_full_chunk_of_the_largest_size() -> None:
    assert SILENT_FRAMES > 14 - 12
    assert frames_of_flush(13, 14, SIZES, whole=False, last=False) == 14

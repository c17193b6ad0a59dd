"""Where segments end, and what their end says."""

from __future__ import annotations

import pytest

from auricle_server.stream.segment_end import LONGEST_SEGMENT, FlushReason, PendingFlush, SegmentEnd, between, too_long
from auricle_server.turns import TurnEnded


@pytest.mark.parametrize(
    ("reason", "takes_all", "ends_stream", "last"),
    [
        (FlushReason.FINALIZE, True, False, False),
        (FlushReason.END, True, True, True),
        (FlushReason.DRAIN, False, False, True),
    ],
)
def test_the_reason_of_a_flush_decides(reason: FlushReason, takes_all: bool, ends_stream: bool, last: bool) -> None:
    end = SegmentEnd(100, 90, 1, PendingFlush(reason, 100, ["a"]))
    assert (end.takes_all, end.ends_stream, end.last, end.ids) == (takes_all, ends_stream, last, ["a"])


def test_the_end_of_a_turn_ends_no_stream() -> None:
    end = SegmentEnd(100, 90, end=TurnEnded())
    assert (end.takes_all, end.ends_stream, end.last, end.ids) == (False, False, False, [])


def test_a_long_segment_ends_in_a_pause_and_a_very_long_one_anywhere() -> None:
    assert not too_long(0, LONGEST_SEGMENT, quiet=True)
    assert too_long(0, LONGEST_SEGMENT + 1, quiet=True)
    assert not too_long(0, 2 * LONGEST_SEGMENT, quiet=False)
    assert too_long(0, 2 * LONGEST_SEGMENT + 1, quiet=False)


def test_a_border_lies_in_the_middle_of_the_silence() -> None:
    assert between(1000, 3000) == 2000
    assert between(3000, 1000) == 1000, "a word may end after the position that a result rests on"

"""Where segments end, and what their end says."""

from __future__ import annotations

import pytest

from auricle_server.stream.segment_end import FlushReason, PendingFlush, SegmentEnd
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

"""Where segments end, what their end says, and finalizes that share a flush."""

from __future__ import annotations

import pytest

from auricle_server.ipc.messages import CAUGHT_UP
from auricle_server.stream.segment_end import FlushReason, PendingFlush, PendingFlushes, SegmentEnd
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


def test_finalizes_without_audio_between_share_a_flush() -> None:
    flushes = PendingFlushes()
    assert flushes.finalize(1280, "a") == 1
    assert flushes.finalize(1280, "b") is None
    assert flushes.finalize(2560, "c") == 2
    assert len(flushes.pending) == 2
    flush = flushes.answer(1)
    assert flush is not None
    assert (flush.reason, flush.received, flush.ids) == (FlushReason.FINALIZE, 1280, ["a", "b"])


def test_a_finalize_after_its_answer_asks_again() -> None:
    flushes = PendingFlushes()
    mark = flushes.finalize(1280, "a")
    assert mark is not None
    assert flushes.answer(mark) is not None
    assert flushes.answer(mark) is None, "a flush is answered once"
    assert flushes.finalize(1280, "b") == 2


def test_the_last_flush_takes_no_finalize() -> None:
    flushes = PendingFlushes()
    assert not flushes.last_is_final
    assert flushes.ask(FlushReason.END, 1280) == 1
    assert flushes.last_is_final
    assert flushes.finalize(1280, "a") == 2
    assert not flushes.last_is_final


def test_results_that_answer_no_flush_leave_them_all() -> None:
    flushes = PendingFlushes()
    flushes.finalize(1280, "a")
    assert flushes.answer(CAUGHT_UP) is None
    assert len(flushes.pending) == 1

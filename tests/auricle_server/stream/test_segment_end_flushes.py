"""Flushes by their marks, and finalizes that share one."""

from __future__ import annotations

from auricle_server.ipc.messages import CAUGHT_UP
from auricle_server.stream.segment_end import FlushReason, PendingFlushes


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

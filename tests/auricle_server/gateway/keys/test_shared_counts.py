"""Counts of several processes: real ones, which end in every way."""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import time
from multiprocessing.connection import Connection

import pytest

from auricle_server.gateway.keys.count_table import CountTable
from auricle_server.gateway.keys.shared_counts import SharedCounts

context = multiprocessing.get_context("spawn")


def _hold(counts: SharedCounts, row: int, number: int, ready: Connection) -> None:
    table = CountTable(counts, row)
    table.hold("key", number)
    table.add_event("key", time.monotonic())
    ready.send(os.getpid())
    time.sleep(60)


def holder(counts: SharedCounts, row: int, number: int) -> tuple[multiprocessing.process.BaseProcess, int]:
    """A process that holds so many, and its number."""
    ready, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_hold, args=(counts, row, number, theirs), daemon=True)
    process.start()
    assert ready.poll(60)
    return process, ready.recv()


def test_processes_see_what_the_others_count_until_they_die() -> None:
    counts = SharedCounts(3)
    own = CountTable(counts, 0)
    own.hold("key", 1)
    first, pid = holder(counts, 1, 2)
    second, _ = holder(counts, 2, 4)
    assert (own.held("key"), own.held("other")) == (7, 0)
    assert own.events("key", time.monotonic()) == 2
    os.kill(pid, signal.SIGSTOP)  # a process that is stopped still has its streams, and holds nobody up
    assert own.held("key") == 7
    first.kill()
    first.join()
    assert (own.held("key"), own.lost("key", time.monotonic())) == (5, 2)
    again, _ = holder(counts, 1, 8)
    assert (own.held("key"), own.lost("key", time.monotonic())) == (13, 2)
    for process in (second, again):
        process.kill()
        process.join()
    assert own.held("key") == 1


def test_memory_takes_what_is_used() -> None:
    counts = SharedCounts(64)
    CountTable(counts, 3).hold("key", 1)
    assert counts._descriptor is not None
    assert 0 < os.fstat(counts._descriptor).st_blocks * 512 < 4 << 20


def test_without_memory_to_share_each_gateway_counts_for_itself(caplog: pytest.LogCaptureFixture) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, hard))
    try:
        counts = SharedCounts(2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "the limits of API keys hold for each gateway alone" in caplog.text
    own = CountTable(counts, 0)
    own.hold("key", 1)
    other, _ = holder(counts, 1, 2)
    assert own.held("key") == 1
    other.kill()
    other.join()


def test_nobody_can_take_the_memory_away() -> None:
    counts = SharedCounts()
    assert counts._descriptor is not None
    with pytest.raises(PermissionError):
        os.ftruncate(counts._descriptor, 0)

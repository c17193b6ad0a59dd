"""Lines of usage reach the file, whatever happens to the disk."""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import time
from pathlib import Path
from typing import Any

import pytest

from auricle_server.gateway.keys import usage_log as module
from auricle_server.gateway.keys.usage_log import UsageLog


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_lines_are_appended_and_a_file_that_was_moved_away_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "usage.jsonl"
    path.write_text('{"n": 0}\n')
    first, second = UsageLog(str(path)), UsageLog(str(path))
    first.write({"n": 1})
    first.close()
    moved = path.rename(tmp_path / "usage.1.jsonl")
    for number in range(1000):
        second.write({"n": number})
    second.close()
    assert lines(moved) == [{"n": 0}, {"n": 1}]
    assert lines(path) == [{"n": number} for number in range(1000)]


def test_a_full_disk_is_said_once_and_holds_nobody_up(caplog: pytest.LogCaptureFixture) -> None:
    usage_log = UsageLog("/dev/full")
    began = time.monotonic()
    for number in range(5000):
        usage_log.write({"n": number})
    assert time.monotonic() - began < 5.0
    usage_log.close()
    messages = [record.getMessage() for record in caplog.records]
    assert messages[0] == "usage cannot be written file=/dev/full: No space left on device; it waits"
    assert messages[-1] == "usage lost file=/dev/full lines=5000"
    assert len(messages) == 2


def test_a_file_that_does_not_answer_takes_no_more_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_WAITING", 10)
    monkeypatch.setattr(module, "_CLOSE_SECONDS", 0.1)
    pipe = tmp_path / "pipe"  # which nobody reads
    os.mkfifo(pipe)
    usage_log = UsageLog(str(pipe))
    for number in range(1000):
        usage_log.write({"n": number})
    usage_log.close()
    assert usage_log._records.qsize() <= 11
    os.close(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK))


def _write_while_there_is_no_room(path: str) -> None:
    """For a process of its own: its files may grow to 40 bytes, which ends within a line, and later to any size."""
    module._RETRY_SECONDS = 0.01
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (40, hard))
    usage_log = UsageLog(path)
    for number in range(8):
        usage_log.write({"n": number})
    while usage_log._complained is None:
        time.sleep(0.01)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    usage_log.close()


def test_what_waited_is_written_when_there_is_room_again(tmp_path: Path) -> None:
    path = tmp_path / "usage.jsonl"
    process = multiprocessing.get_context("spawn").Process(target=_write_while_there_is_no_room, args=(str(path),))
    process.start()
    process.join(60)
    assert process.exitcode == 0
    # One line is half, and comes again on a line of its own.
    whole = [line for line in path.read_text().splitlines() if line.endswith("}")]
    assert [json.loads(line)["n"] for line in whole] == list(range(8))


def test_a_disk_that_is_full_for_long_costs_the_oldest_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_WAITING", 10)
    usage_log = UsageLog("/dev/full")
    for number in range(100):
        usage_log.write({"n": number})
        while usage_log._records.qsize():
            time.sleep(0.001)
    usage_log.close()
    assert len(usage_log._waiting) == 10
    assert json.loads(usage_log._waiting[-1]) == {"n": 99}

"""The end of processes: asked, killed when they are late, and at once when somebody is in a hurry."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from multiprocessing.process import BaseProcess

import pytest

from auricle_server.serving.children import shutdown

pytestmark = pytest.mark.slow
context = multiprocessing.get_context("spawn")


def _polite() -> None:
    signal.pause()


def _deaf(ready: str) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.close(os.open(ready, os.O_WRONLY))
    while True:
        signal.pause()


@pytest.fixture
def deaf(tmp_path: object) -> Iterator[Callable[[], BaseProcess]]:
    """Starts a process that ignores SIGTERM."""
    started: list[BaseProcess] = []

    def start() -> BaseProcess:
        fifo = f"{tmp_path}/{len(started)}"
        os.mkfifo(fifo)
        process = context.Process(target=_deaf, args=(fifo,), daemon=True)
        process.start()
        started.append(process)
        os.close(os.open(fifo, os.O_RDONLY))  # returns when the process ignores the signal
        return process

    yield start
    shutdown.kill(started)


def test_who_ends_by_itself_is_not_killed(caplog: pytest.LogCaptureFixture) -> None:
    process = context.Process(target=_polite, daemon=True)
    process.start()
    signals, _ = os.pipe()
    shutdown.end([process], 30.0, signals, lambda: False)
    assert process.exitcode == -signal.SIGTERM
    assert "killed" not in caplog.text


def test_who_is_late_is_killed(deaf: Callable[[], BaseProcess], caplog: pytest.LogCaptureFixture) -> None:
    signals, _ = os.pipe()
    process = deaf()
    with caplog.at_level(logging.WARNING):
        shutdown.end([process], 0.2, signals, lambda: False)
    assert process.exitcode == -signal.SIGKILL
    assert "killed process=" in caplog.text


def test_a_second_signal_ends_the_wait(deaf: Callable[[], BaseProcess]) -> None:
    signals, signalled = os.pipe()
    processes = [deaf(), deaf()]
    os.write(signalled, b"x")

    def hurried() -> bool:
        os.read(signals, 1)
        return True

    began = time.monotonic()
    shutdown.end(processes, 300.0, signals, hurried)
    assert [process.exitcode for process in processes] == [-signal.SIGKILL] * 2
    assert time.monotonic() - began < 60

"""The start of a worker: why it cannot, and what it takes over from the one before."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
from pathlib import Path

import pytest

from auricle_server.config import ServerConfig
from auricle_server.serving.processes import CANNOT_START
from auricle_server.serving.worker_process import Order, worker_main
from auricle_server.worker import factory


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves this process's signals alone, and starts no thread that would end it."""
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(signal, "pthread_sigmask", lambda *_: None)
    monkeypatch.setattr(threading.Thread, "start", lambda _: None)


def test_a_worker_with_an_impossible_configuration_says_that_a_restart_would_not_help(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    _, ready = multiprocessing.Pipe(duplex=False)
    with caplog.at_level(logging.ERROR), pytest.raises(SystemExit) as ended:
        worker_main(
            ServerConfig(model="/there/is/no/such/model"), Order("worker-0", f"ipc://{tmp_path}/worker-0"), ready
        )
    assert ended.value.code == CANNOT_START == os.EX_CONFIG
    assert "/there/is/no/such/model" in caplog.text


def test_a_worker_that_fails_for_any_reason_says_so_and_why(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(*_: object) -> None:
        raise MemoryError("cannot allocate 40 GB")

    monkeypatch.setattr(factory, "build_engine", fail)
    _, ready = multiprocessing.Pipe(duplex=False)
    with caplog.at_level(logging.ERROR), pytest.raises(SystemExit) as ended:
        worker_main(ServerConfig(), Order("worker-0", f"ipc://{tmp_path}/worker-0"), ready)
    assert ended.value.code == CANNOT_START
    assert "cannot allocate 40 GB" in caplog.text

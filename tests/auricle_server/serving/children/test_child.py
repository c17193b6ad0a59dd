"""When a process is started again, and what is known of it."""

from __future__ import annotations

import os
import signal
import time
from multiprocessing.connection import Connection

import pytest

from auricle_server.serving.children.child import Child
from auricle_server.serving.processes import ChildReady


def child() -> Child:
    return Child("worker-0", _report, lambda ready: (ready,))


def _report(ready: Connection) -> None:
    ready.send(ChildReady())
    signal.pause()


def _die(_: Connection) -> None:
    os._exit(3)


def test_a_worker_that_dies_of_its_load_is_not_started_again_at_once_however_long_that_takes() -> None:
    worker = child()
    assert [worker.plan_restart(now) for now in (300.0, 600.0, 900.0, 1200.0)] == [0.0, 0.5, 1.0, 2.0]
    assert worker.failed_starts == 4
    worker.ready_at = 1500.0
    assert worker.plan_restart(1505.0) == 4.0
    worker.ready_at = 1500.0
    assert worker.plan_restart(1511.0) == 0.0
    assert worker.failures == 0


@pytest.mark.slow
def test_a_process_reports_that_it_is_ready_and_how_it_ended() -> None:
    worker = child()
    worker.failed_starts = 2
    worker.launch()
    assert worker.process is not None
    assert worker.receive(time.monotonic()) == ChildReady()
    assert worker.is_ready
    assert worker.failed_starts == 0
    os.kill(worker.process.pid or 0, signal.SIGHUP)  # a terminal's signals do not end a child that says nothing of them
    worker.process.kill()
    worker.process.join()
    assert worker.cause == "SIGKILL, perhaps for want of memory"
    assert worker.receive(time.monotonic()) is None
    assert worker.release() is None
    worker.plan_restart(time.monotonic())
    assert worker.failed_starts == 0


@pytest.mark.slow
def test_a_process_that_dies_before_it_is_ready_reports_nothing() -> None:
    worker = Child("worker-0", _die, lambda ready: (ready,))
    worker.launch()
    assert worker.receive(time.monotonic()) is None
    assert worker.process is not None
    worker.process.join()
    assert worker.cause == "exit code 3"
    worker.plan_restart(time.monotonic())
    assert worker.failed_starts == 1


@pytest.mark.slow
def test_a_process_is_given_to_another_child() -> None:
    standby, worker = child(), child()
    standby.launch()
    given = standby.release()
    assert given is not None
    worker.adopt(*given)
    assert standby.process is None
    assert worker.receive(time.monotonic()) == ChildReady()
    assert worker.process is not None
    worker.process.kill()
    worker.process.join()

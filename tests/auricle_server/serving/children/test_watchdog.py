"""Processes that hang, on a clock of the test's own."""

from __future__ import annotations

import multiprocessing

from auricle_server.serving.children.watchdog import BEAT_SECONDS, HUNG_SECONDS, Heartbeat, Watchdog


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_process_that_falls_silent_hangs_and_one_that_never_spoke_does_not() -> None:
    clock = Clock()
    watchdog = Watchdog(clock)
    watchdog.beat("worker-0")
    for _ in range(round(HUNG_SECONDS)):
        clock.now += 1
        watchdog.beat("gateway-0")
        assert watchdog.hung() == []
    clock.now += 1
    watchdog.beat("gateway-0")
    assert watchdog.hung() == ["worker-0"]
    watchdog.forget("worker-0")
    assert watchdog.hung() == []


def test_nobody_hangs_because_the_supervisor_was_stopped() -> None:
    clock = Clock()
    watchdog = Watchdog(clock)
    watchdog.beat("worker-0")
    clock.now += 3600
    assert watchdog.hung() == []
    for _ in range(round(HUNG_SECONDS)):
        clock.now += 1
        assert watchdog.hung() == []
    clock.now += 1
    assert watchdog.hung() == ["worker-0"]


def test_a_sign_of_life_comes_once_a_second_and_never_waits_for_a_reader() -> None:
    clock = Clock()
    reader, writer = multiprocessing.Pipe(duplex=False)
    beat = Heartbeat(writer, "worker-0", clock)
    for _ in range(10):
        beat()
        clock.now += BEAT_SECONDS / 4
    assert [reader.recv() for _ in range(3)] == ["worker-0"] * 3
    assert not reader.poll()
    # More than a pipe holds: the supervisor is stopped for days.
    for _ in range(20_000):
        clock.now += BEAT_SECONDS
        beat()
    assert reader.recv() == "worker-0"

"""The stopwatches that costs are measured with, and the virtual clock that a run advances by them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

STOPWATCHES: dict[str, Callable[[], float]] = {"wall": time.perf_counter, "cpu": time.process_time}
"""Readings in seconds. ``cpu`` is the CPU time of this process, summed over its threads: with one thread it shows on a
shared machine what ``wall`` would show on an idle one."""


class VirtualClock:
    """Time that advances only by charged costs, and jumps to the next event when there is no work.

    Streams of hours can so be measured in the time that the computing takes: waiting for audio is skipped.

    Args:
        stopwatch: Key of `STOPWATCHES`.
    """

    def __init__(self, stopwatch: str) -> None:
        self._watch = STOPWATCHES[stopwatch]
        self.now = 0.0
        self.idle = 0.0

    def __call__(self) -> float:
        """Seconds since the clock was created."""
        return self.now

    @contextmanager
    def charged(self) -> Iterator[list[float]]:
        """Advances the clock by the cost of the block; the yielded list holds the cost afterwards."""
        cost: list[float] = []
        began = self._watch()
        yield cost
        cost.append(self._watch() - began)
        self.now += cost[0]

    def leap(self, to: float) -> None:
        """Advances to `to`, idle; does nothing when `to` is in the past."""
        self.idle += max(0.0, to - self.now)
        self.now = max(self.now, to)

"""Two clocks: one that costs are measured with, one that a simulated day runs on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

STOPWATCHES: dict[str, Callable[[], float]] = {"wall": time.perf_counter, "cpu": time.process_time}
"""What a cost is measured in, seconds. ``cpu`` counts this process alone, all its threads together: with one thread it
says on a machine that others use as well what ``wall`` would say on a quiet one."""


class VirtualClock:
    """Time that stands still but for costs that are charged to it, and leaps to the next event when nothing is to do.

    Args:
        stopwatch: Key of `STOPWATCHES`.
    """

    def __init__(self, stopwatch: str) -> None:
        self._watch = STOPWATCHES[stopwatch]
        self.now = 0.0
        self.idle = 0.0

    def __call__(self) -> float:
        """Seconds since it was made."""
        return self.now

    @contextmanager
    def charged(self) -> Iterator[list[float]]:
        """Charges what the block costs; the list holds it afterwards."""
        cost: list[float] = []
        began = self._watch()
        yield cost
        cost.append(self._watch() - began)
        self.now += cost[0]

    def leap(self, to: float) -> None:
        """Nothing to do until then."""
        self.idle += max(0.0, to - self.now)
        self.now = max(self.now, to)

"""Finds processes that hang: they are alive, so nobody restarts them, and yet they serve nobody."""

from __future__ import annotations

import select
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection

BEAT_SECONDS = 1.0
"""How often a process gives a sign of life."""
HUNG_SECONDS = 20.0
"""A process that has given none for this long hangs. Gateways have let go of a worker's streams by then
(`worker_client.SILENCE_SECONDS`), so ending it ends no call."""
_PAUSE_SECONDS = 5.0
"""Time that the supervisor itself has lost: it was stopped, or the machine was."""


class Watchdog:
    """The supervisor's side.

    Args:
        clock: Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last: dict[str, float] = {}
        self._looked = clock()

    def beat(self, name: str) -> None:
        """A process has given a sign of life. It is watched from the first one on: a load may take minutes."""
        self._last[name] = self._clock()

    def forget(self, name: str) -> None:
        """A process has ended."""
        self._last.pop(name, None)

    def hung(self) -> list[str]:
        """The processes that hang. To be called every second or so."""
        now = self._clock()
        if now - self._looked > _PAUSE_SECONDS:
            # While the supervisor was stopped, its children mostly were too (Ctrl-Z in a terminal, a frozen container).
            self._last = dict.fromkeys(self._last, now)
        self._looked = now
        return [name for name, last in self._last.items() if now - last > HUNG_SECONDS]


class Heartbeat:
    """The side of a watched process.

    Args:
        pipe: To the supervisor.
        name: Of this process.
        clock: Monotonic seconds.
    """

    def __init__(self, pipe: Connection, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._pipe = pipe
        self._name = name
        self._clock = clock
        self._due = clock()
        self._writable = select.poll()
        self._writable.register(pipe, select.POLLOUT)

    def __call__(self) -> None:
        """Gives a sign of life, unless the last was less than a second ago. Never waits."""
        now = self._clock()
        if now < self._due:
            return
        self._due = now + BEAT_SECONDS
        # A supervisor that is stopped does not read, and one that was killed has gone. Neither may stop this process.
        if any(events == select.POLLOUT for _, events in self._writable.poll(0)):
            with suppress(BrokenPipeError):
                self._pipe.send(self._name)

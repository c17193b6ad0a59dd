"""Progress of what takes long before a model is ready: downloads, and archives that are unpacked."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

log = logging.getLogger(__name__)

Report = Callable[[str, int, int], None]
"""Receives what is done, such as the name of a file, how many bytes of it are done, and how many there are."""
LOG_SECONDS = 10.0
_NEVER = float("inf")


def silent(_what: str, _done: int, _size: int) -> None:
    """Ignores progress."""


def prefixed(verb: str, report: Report) -> Report:
    """A report whose names follow a verb: ``downloading model.safetensors``."""
    return lambda what, done, size: report(f"{verb} {what}", done, size)


class LoggedProgress:
    """Logs the first report of each thing, its end, and what is between at most every 10 seconds.

    Args:
        clock: Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._due: dict[str, float] = {}

    def __call__(self, what: str, done: int, size: int) -> None:
        """See `Report`."""
        now = self._clock()
        due = self._due.get(what, now)
        if now < due and (done < size or due == _NEVER):
            return
        self._due[what] = now + LOG_SECONDS if done < size else _NEVER
        log.info("%s: %d of %d MB", what, round(done / 1e6), round(size / 1e6))

"""Progress of what takes long before a model is ready: downloads, and archives that are unpacked."""

from __future__ import annotations

import logging
import math
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


class ProgressLines:
    """Writes a line at the first report of each thing, at its end, and between at most every 10 seconds.

    Args:
        write: Takes a line.
        clock: Monotonic seconds.
    """

    def __init__(self, write: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._write = write
        self._clock = clock
        self._due: dict[str, float] = {}
        self._began: dict[str, tuple[float, int]] = {}

    def __call__(self, what: str, done: int, size: int) -> None:
        """See `Report`."""
        now = self._clock()
        due = self._due.get(what, now)
        if now < due and (done < size or due == _NEVER):
            return
        self._due[what] = now + LOG_SECONDS if done < size else _NEVER
        began, had = self._began.setdefault(what, (now, done))
        pace = "" if now <= began or done <= had else _pace((done - had) / (now - began), size - done)
        self._write(f"{what}: {round(done / 1e6)} of {round(size / 1e6)} MB{pace}")


def _pace(rate: float, left: int) -> str:
    """Bytes a second, and how long the bytes that are left take at that rate."""
    seconds = math.ceil(left / rate)
    remaining = f", {seconds // 60} min {seconds % 60} s left" if seconds >= 60 else f", {seconds} s left"
    return f", {rate / 1e6:.1f} MB/s{remaining if left else ''}"


class LoggedProgress(ProgressLines):
    """`ProgressLines` in the log.

    Args:
        clock: Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(log.info, clock)

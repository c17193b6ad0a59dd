"""What a worker that cannot be reached yet is doing, in a file beside its socket.

A worker binds its socket when its model is ready, which takes minutes where it downloads or unpacks one first. Until
then gateways read here how far it is.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

log = logging.getLogger(__name__)

_WRITE_SECONDS = 0.5
"""Pause between two writes of one thing's progress."""


class LoadingStatus(msgspec.Struct, frozen=True):
    """What a worker is doing.

    Attributes:
        what: ``unpacking model.nemo``, for example.
        done: Bytes of it that are done.
        size: Bytes of it; 0 where it is not counted in bytes.
    """

    what: str
    done: int = 0
    size: int = 0

    def __str__(self) -> str:
        return f"{self.what}, {self.percent} %" if self.size else self.what

    @property
    def percent(self) -> int | None:
        """How much of it is done; None where that is not known."""
        return 100 * self.done // self.size if self.size else None


_decoder = msgspec.json.Decoder(LoadingStatus)


def status_path(endpoint: str) -> Path:
    """The file of the worker at a ZeroMQ endpoint ``ipc://PATH``."""
    return Path(f"{endpoint.removeprefix('ipc://')}.loading")


def read_loading(endpoint: str) -> LoadingStatus | None:
    """What the worker at `endpoint` is doing before it is ready; None where it is ready or cannot say."""
    try:
        return _decoder.decode(status_path(endpoint).read_bytes())
    except (OSError, msgspec.DecodeError):  # a full disk keeps files without their content
        return None


def forget_loading(endpoint: str) -> None:
    """The worker has become ready, or has ended."""
    path = status_path(endpoint)
    try:
        path.unlink(missing_ok=True)
    except OSError as error:  # a file system that has become read-only must not end what it only describes
        log.warning("cannot delete path=%s: %s", path, error)


class LoadingWriter:
    """Writes the progress of one worker's start.

    Args:
        endpoint: Of the worker.
        clock: Monotonic seconds.
    """

    def __init__(self, endpoint: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = status_path(endpoint)
        self._clock = clock
        self._what = ""
        self._due = 0.0

    def __call__(self, what: str, done: int = 0, size: int = 0) -> None:
        """Takes progress as `checkpoints.progress.Report` does; writes it at once when it is of something new."""
        now = self._clock()
        if what == self._what and now < self._due:
            return
        self._what, self._due = what, now + _WRITE_SECONDS
        part = self._path.with_suffix(".part")
        try:
            part.write_bytes(msgspec.json.encode(LoadingStatus(what, done, size)))
            part.replace(self._path)  # a reader sees the old status or the new one
        except OSError as error:  # a full disk must not end the start that it only describes
            log.warning("cannot say how far the start is path=%s: %s", self._path, error)

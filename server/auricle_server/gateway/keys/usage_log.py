"""Appends lines to a file from a thread of its own: a disk that is slow or full holds no stream up."""

from __future__ import annotations

import json
import logging
import os
import queue
import threading
import time
from collections import deque
from typing import Any

log = logging.getLogger(__name__)

_MODE = 0o640
_MOST_WAITING = 10_000
"""Lines that wait for a disk that cannot be written; the oldest are lost first."""
_RETRY_SECONDS = 2.0
_COMPLAINT_SECONDS = 60.0
_CLOSE_SECONDS = 2.0


class UsageLog:
    """A file of JSON lines, which other processes may append to as well.

    The file is opened for each writing, so that one which was moved away (logrotate) is made anew.

    Args:
        path: Of the file.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._records: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._waiting: deque[bytes] = deque()
        self._torn = False
        """Whether the last writing ended within a line."""
        self._complained: float | None = None
        self._lost = 0
        self._thread = threading.Thread(target=self._run, name="usage-log", daemon=True)
        self._thread.start()

    def write(self, record: dict[str, Any]) -> None:
        """Appends a line; returns at once."""
        if self._records.qsize() < _MOST_WAITING:
            self._records.put(record)
        else:  # the thread is held up, by a disk that does not answer for example
            self._lost += 1

    def close(self) -> None:
        """Writes what waits, for up to two seconds."""
        self._records.put(None)
        self._thread.join(_CLOSE_SECONDS)

    def _run(self) -> None:
        open_ = True
        while open_:
            open_ = self._collect()
            try:
                self._append()
            except OSError as error:
                self._complain(error)
        if self._waiting:
            log.error("usage lost file=%s lines=%d", self._path, self._lost + len(self._waiting))

    def _collect(self) -> bool:
        """Waits for records; False when there will be no more."""
        try:
            record = self._records.get(timeout=_RETRY_SECONDS if self._waiting else None)
            while record is not None:
                self._add(record)
                record = self._records.get_nowait()
        except queue.Empty:
            return True
        return False

    def _add(self, record: dict[str, Any]) -> None:
        self._waiting.append(json.dumps(record, separators=(",", ":")).encode() + b"\n")
        if len(self._waiting) > _MOST_WAITING:
            self._waiting.popleft()
            self._lost += 1

    def _append(self) -> None:
        if not self._waiting:
            return
        file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, _MODE)
        try:
            while self._waiting:
                self._append_to(file)
        finally:
            os.close(file)
        if self._complained is not None:
            log.info("usage is written again file=%s lines_lost=%d", self._path, self._lost)
            self._complained, self._lost = None, 0

    def _append_to(self, file: int) -> None:
        """Writes all lines at once, so that those of other gateways do not come between; keeps what did not fit."""
        # After half a line, which a full disk leaves, the next one begins on a line of its own; the half one comes
        # again.
        written = os.write(file, b"\n" * self._torn + b"".join(self._waiting)) - self._torn
        self._torn = False
        while self._waiting and written >= len(self._waiting[0]):
            written -= len(self._waiting.popleft())
        self._torn = written > 0

    def _complain(self, error: OSError) -> None:
        now = time.monotonic()
        if self._complained is None or now - self._complained > _COMPLAINT_SECONDS:
            self._complained = now
            log.error("usage cannot be written file=%s: %s; it waits", self._path, error.strerror)

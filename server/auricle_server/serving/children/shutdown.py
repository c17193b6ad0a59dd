"""The end of a server's processes, under one deadline that a second signal cuts short."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess

log = logging.getLogger(__name__)


def end(processes: Sequence[BaseProcess], seconds: float, signals: int, hurried: Callable[[], bool]) -> None:
    """Ends processes with SIGTERM, and kills those that have not ended in time.

    Args:
        processes: All are asked before any is waited for: they drain side by side.
        seconds: How long they may take.
        signals: Descriptor that can be read when a signal has come.
        hurried: Reads it; returns whether they are to be killed at once.
    """
    for process in processes:
        process.terminate()
    deadline = time.monotonic() + seconds
    while alive := [process for process in processes if process.is_alive()]:
        left = deadline - time.monotonic()
        happened = wait([signals, *(process.sentinel for process in alive)], max(0.0, left))
        if left <= 0 or (signals in happened and hurried()):
            kill(alive)


def kill(processes: Sequence[BaseProcess]) -> None:
    """Ends processes at once."""
    for process in processes:
        log.warning("killed process=%s pid=%s", process.name, process.pid)
        process.kill()
    for process in processes:
        process.join()

"""Counts that the gateways of one server share: streams of each key, and wrong keys of each address.

The counts lie in memory that the supervisor makes and its gateways inherit. Each gateway writes a row of its own and
reads those of all, so that no lock is needed: a gateway that is stopped, or killed at any moment, holds nobody up, and
what a dead one has counted counts no longer. No file is involved, so a full disk changes nothing.
"""

from __future__ import annotations

import fcntl
import logging
import mmap
import os
from dataclasses import dataclass
from multiprocessing import reduction
from typing import Any

import numpy as np

log = logging.getLogger(__name__)

BUCKETS = 13
"""Of five seconds: those of a minute, and one more, as the oldest counts whole. So no 60 seconds hold more events than
the limit."""
ENTRIES = 8192
"""Names in one row: twice the keys that a file may have."""
_ITEM_BYTES = 8
_ROW_ITEMS = 1 + ENTRIES * (2 + 2 * BUCKETS)


class SharedCounts:
    """Memory for one table of counts. It travels to a process as an argument with which that process is started.

    Args:
        rows: Gateways of the server.
    """

    def __init__(self, rows: int = 1) -> None:
        self._rows = rows
        self._descriptor = _sealed_memory(rows * _ROW_ITEMS * _ITEM_BYTES)
        """None where the system gives no memory to share: each gateway counts for itself then."""

    def __getstate__(self) -> dict[str, Any]:
        return {"rows": self._rows, "sent": None if self._descriptor is None else reduction.DupFd(self._descriptor)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._rows = state["rows"]
        self._descriptor = None if state["sent"] is None else state["sent"].detach()

    def __del__(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)

    def table(self) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
        """The counts, one row a gateway."""
        memory = mmap.mmap(-1 if self._descriptor is None else self._descriptor, self._rows * _ROW_ITEMS * _ITEM_BYTES)
        return np.frombuffer(memory, np.int64).reshape(self._rows, _ROW_ITEMS)


def _sealed_memory(size: int) -> int | None:
    """A descriptor of memory whose size nobody can change, upon which those who use it would die; None without it."""
    descriptor = None
    try:
        descriptor = os.memfd_create("auricle-counts", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        # Sparse: a page takes memory when it is first used.
        os.ftruncate(descriptor, size)
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
    except (AttributeError, OSError) as error:  # macOS lacks the function; a limit of the system may refuse the size
        if descriptor is not None:
            os.close(descriptor)
        log.warning("the limits of API keys hold for each gateway alone: no memory to share (%s)", error)
        return None
    return descriptor


@dataclass(frozen=True, slots=True)
class KeyCounts:
    """All that the gateways count together about keys.

    Attributes:
        streams: Of each key.
        wrong_keys: Of each address.
        tokens: Streams of each token that has a limit of its own.
    """

    streams: SharedCounts
    wrong_keys: SharedCounts
    tokens: SharedCounts

    @classmethod
    def of(cls, gateways: int = 1) -> KeyCounts:
        """Memory for so many gateways."""
        return cls(SharedCounts(gateways), SharedCounts(gateways), SharedCounts(gateways))

"""Counts that the gateways of one server share: streams of each key, and wrong keys of each address.

The counts lie in memory that the supervisor makes and its gateways inherit. Each gateway writes a row of its own and
reads those of all, so that no lock is needed: a gateway that is stopped, or killed at any moment, holds nobody up, and
what a dead one has counted counts no longer. No file is involved, so a full disk changes nothing.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from dataclasses import dataclass
from multiprocessing import reduction
from typing import Any

import numpy as np

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
        self._descriptor = _anonymous_file()
        # Sparse: a page takes memory when it is first used.
        os.ftruncate(self._descriptor, rows * _ROW_ITEMS * _ITEM_BYTES)

    def __getstate__(self) -> dict[str, Any]:
        return {"rows": self._rows, "descriptor": reduction.DupFd(self._descriptor)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._rows = state["rows"]
        self._descriptor = state["descriptor"].detach()

    def __del__(self) -> None:
        os.close(self._descriptor)

    def table(self) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
        """The counts, one row a gateway."""
        memory = mmap.mmap(self._descriptor, self._rows * _ROW_ITEMS * _ITEM_BYTES)
        return np.frombuffer(memory, np.int64).reshape(self._rows, _ROW_ITEMS)


def _anonymous_file() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("auricle-counts")
    with tempfile.TemporaryFile() as file:  # not on Linux, where a server has one gateway only
        return os.dup(file.fileno())


@dataclass(frozen=True, slots=True)
class KeyCounts:
    """All that the gateways count together about keys.

    Attributes:
        streams: Of each key.
        wrong_keys: Of each address.
    """

    streams: SharedCounts
    wrong_keys: SharedCounts

    @classmethod
    def of(cls, gateways: int = 1) -> KeyCounts:
        """Memory for so many gateways."""
        return cls(SharedCounts(gateways), SharedCounts(gateways))

"""Streams with background priority: recordings, for which no one waits live. Pure."""

from __future__ import annotations

import numpy as np

from auricle_server.engine.scheduling.batch_rows import Int64s, Slots
from auricle_server.engine.scheduling.stream_inputs import StreamInputs


class BackgroundSlots:
    """Slots of streams with background priority.

    Args:
        most_chunks: Most chunks of a row.
    """

    def __init__(self, most_chunks: int) -> None:
        self._most_chunks = most_chunks
        self._slots: set[int] = set()

    def __len__(self) -> int:
        return len(self._slots)

    @property
    def slots(self) -> Int64s:
        """The slots, ascending."""
        return np.array(sorted(self._slots), np.int64)

    def add(self, slot: int) -> None:
        """Adds a slot."""
        self._slots.add(slot)

    def discard(self, slot: int) -> None:
        """Removes a slot, if it is one of these."""
        self._slots.discard(slot)

    def set_chunks(self, slots: Slots, used: int, inputs: StreamInputs) -> None:
        """Sets how many chunks the next rows of `slots` may hold.

        One while there are other streams, so that no live row waits for long.

        Args:
            slots: Any slots; those without background priority keep one chunk.
            used: Streams that are open.
            inputs: Of the streams.
        """
        if not self._slots:
            return
        most = 1 if used > len(self._slots) else self._most_chunks // len(self._slots)
        for slot in self._slots.intersection(slots.tolist()):
            inputs.set_most_chunks(slot, most)

"""Streams with background priority: recordings, for which no one waits live. Pure."""

from __future__ import annotations

import numpy as np

from auricle_server.engine.scheduling.batch_rows import Int64s, Slots
from auricle_server.engine.scheduling.stream_inputs import StreamInputs


class BackgroundSlots:
    """Slots of streams with background priority.

    Attributes:
        slots: The slots.

    Args:
        most_chunks: Most chunks of a row.
    """

    def __init__(self, most_chunks: int) -> None:
        self._most_chunks = most_chunks
        self.slots: set[int] = set()

    @property
    def in_order(self) -> Int64s:
        """The slots, ascending, [n]."""
        return np.array(sorted(self.slots), np.int64)

    def set_chunks(self, slots: Slots, used: int, inputs: StreamInputs) -> None:
        """Sets how many chunks the next rows of `slots` may hold.

        One while there are other streams, so that no live row waits for long.

        Args:
            slots: Any slots; those without background priority keep one chunk.
            used: Streams that are open.
            inputs: Of the streams.

        Must not be called while there is no slot with background priority.
        """
        most = 1 if used > len(self.slots) else self._most_chunks // len(self.slots)
        for slot in self.slots.intersection(slots.tolist()):
            inputs.set_most_chunks(slot, most)

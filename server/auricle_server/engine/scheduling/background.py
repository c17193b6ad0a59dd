"""Streams with background priority: recordings, for which no one waits live. Pure."""

from __future__ import annotations

import numpy as np

from auricle_server.engine.scheduling.batch_rows import Int64s, Slots
from auricle_server.engine.scheduling.stream_inputs import StreamInputs

LONGEST_STEP = 1.0
"""Seconds that a step for recordings may take, as far as the steps before it tell. A gateway that hears nothing of its
worker for ten seconds takes it for dead, and a stream that starts during the step waits for its end."""
_KEPT = 0.8
"""Share of the slowest measurement that stays with each faster one: a machine that was busy may be so again."""


class BackgroundSlots:
    """Slots of streams with background priority.

    Attributes:
        slots: The slots.
        most_frames: Encoder frames that a step of such streams may have, all rows together; one row may always have one
            chunk.

    Args:
        most_chunks: Most chunks of a row.
        chunk_frames: Encoder frames of the largest chunk.
    """

    def __init__(self, most_chunks: int, chunk_frames: int) -> None:
        self._most_chunks = most_chunks
        self._chunk_frames = chunk_frames
        self.slots: set[int] = set()
        # Before the first measurement one chunk: how long eight of them take is not known.
        self.most_frames = chunk_frames
        self._seconds_per_frame = 0.0

    def observe(self, frames: int, seconds: float) -> None:
        """A step has computed so many encoder frames, all rows together; smaller ones than a chunk tell nothing."""
        if frames >= self._chunk_frames:
            self._seconds_per_frame = max(seconds / frames, _KEPT * self._seconds_per_frame)
            fitting = LONGEST_STEP / max(self._seconds_per_frame, 1e-9)
            self.most_frames = max(self._chunk_frames, int(min(fitting, 1 << 30)))

    @property
    def in_order(self) -> Int64s:
        """The slots, ascending, [n]."""
        return np.array(sorted(self.slots), np.int64)

    def set_chunks(self, slots: Slots, used: int, inputs: StreamInputs) -> None:
        """Sets how many chunks the next rows of `slots` may hold.

        One while there are other streams, so that no live row waits for long; and no more than `most_frames` allows.

        Args:
            slots: Any slots; those without background priority keep one chunk.
            used: Streams that are open.
            inputs: Of the streams.

        Must not be called while there is no slot with background priority.
        """
        most = min(self._most_chunks // len(self.slots), self.most_frames // self._chunk_frames)
        most = 1 if used > len(self.slots) else most
        for slot in self.slots.intersection(slots.tolist()):
            inputs.set_most_chunks(slot, most)

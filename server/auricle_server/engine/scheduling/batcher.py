"""Which rows run next. Pure policy: no tensors, and `now` is passed in.

Rows of one step share a chunk size, because a step has one static shape. Among the chunk sizes with ready rows, the one
whose earliest row is due soonest goes first, with all its ready rows; when they exceed the batch, the most urgent go
first. A row is due one chunk after it was released, but at most `MOST_SLACK` frames, since its result is awaited
however long its chunk is. A row is released when its audio has arrived; where several chunks arrived at once, each is
released one chunk after the one before, as if the audio had arrived in real time. So streams that are late are equally
late, whatever their chunk size, and a file that arrives faster than speech lets speech go first.

Rows of slots with background priority run only while no other row is ready, and one at a time while there are other
streams. Among themselves they take turns, whatever each has had already: ordered by its audio, a file in progress would
wait until a file that has just started had caught up with it.

A batch waits for more rows, since a step costs about the same for a few rows more: at most `linger` of its chunk and
`pause` seconds, never when it is full, never when it holds every open stream of its chunk size, and never when a flush
is ready.
"""

from __future__ import annotations

import numpy as np

from auricle_server.engine.scheduling.batch_rows import Bools, Int64s, Slots

MOST_SLACK = 2
"""Encoder frames of 80 ms, as with chunks of 160 ms."""


class Batcher:
    """Ready rows by slot.

    Args:
        frame_seconds: Length of an encoder frame.
        max_rows: Most rows of one batch, by chunk size.
        slots: Highest slot.
        linger: Longest wait for more rows, as a share of the chunk.
        pause: Seconds that are added to it, however long the chunk is.
    """

    def __init__(
        self, frame_seconds: float, max_rows: dict[int, int], slots: int, linger: float = 0.0, pause: float = 0.0
    ) -> None:
        self._frame_seconds = frame_seconds
        self._max_rows = max_rows
        self._linger, self._pause = linger, pause
        self._frames = np.zeros(slots + 1, np.int64)
        """Chunk size of each slot's ready row, 0 where nothing is ready."""
        self._queued = np.zeros(slots + 1)
        """When each slot's ready row was queued."""
        self._released = np.zeros(slots + 1)
        """When each slot's latest row was released."""
        self._urgent = np.zeros(slots + 1, np.bool_)
        self._chunk_of_stream = np.zeros(slots + 1, np.int64)
        """Chunk size of each slot's stream, 0 where the slot is free."""
        self._background = np.zeros(slots + 1, np.bool_)

    def __len__(self) -> int:
        return int(np.count_nonzero(self._frames))

    def add_stream(self, slot: int, frames: int) -> None:
        """Takes note of a stream with that chunk size, in encoder frames."""
        self._frames[slot], self._chunk_of_stream[slot], self._background[slot] = 0, frames, False

    def set_background(self, slot: int) -> None:
        """Gives the slot's stream background priority until it ends."""
        self._background[slot] = True

    def drop_row(self, slot: int) -> None:
        """Drops the slot's ready row; its stream goes on."""
        self._frames[slot] = 0

    def remove_stream(self, slot: int) -> None:
        """Drops the slot's stream and its ready row."""
        self._frames[slot] = self._chunk_of_stream[slot] = 0

    def add_rows(self, slots: Slots, frames: Slots, urgent: Bools, now: float) -> None:
        """Queues rows whose audio, or whose flush, has just arrived. A slot has one row at a time.

        Args:
            slots: [n].
            frames: Encoder frames of each row, 0 where nothing is ready, [n].
            urgent: Whether the row is a flush, [n].
            now: Monotonic seconds.
        """
        new = self._queue(slots, frames, urgent, now)
        self._released[slots[new]] = now

    def add_following_rows(self, slots: Slots, frames: Slots, urgent: Bools, now: float) -> None:
        """Queues rows whose audio had arrived already when the slots' rows before them were picked; like `add_rows`."""
        new = self._queue(slots, frames, urgent, now)
        rows = slots[new]
        in_real_time = self._released[rows] + frames[new] * self._frame_seconds
        self._released[rows] = np.where(self._background[rows], now, in_real_time)

    def _queue(self, slots: Slots, frames: Slots, urgent: Bools, now: float) -> Bools:
        """Queues the slots' rows and returns which are new, [n]; a row that is not new may have become a flush."""
        ready = frames > 0
        new: Bools = ready & (self._frames[slots] == 0)
        # Left by the slot's previous row.
        self._urgent[slots[new]] = False
        self._urgent[slots] |= urgent & ready
        self._frames[slots[ready]] = self._chunk_of_stream[slots[ready]] = frames[ready]
        self._queued[slots[new]] = now
        return new

    def wait(self, now: float) -> float | None:
        """Seconds until the next batch should run: 0 for at once, None when nothing is ready."""
        slots = np.flatnonzero(self._frames)
        if not len(slots):
            return None
        if not (self._linger or self._pause) or self._urgent[slots].any():
            return 0.0
        return float(min(self._wait_of(slots, int(frames), now) for frames in np.unique(self._frames[slots])))

    def _wait_of(self, slots: Int64s, frames: int, now: float) -> float:
        same_size = slots[self._frames[slots] == frames]
        if len(same_size) >= min(self._max_rows[frames], int(np.count_nonzero(self._chunk_of_stream == frames))):
            return 0.0
        linger = self._linger * frames * self._frame_seconds + self._pause
        return max(0.0, float(self._queued[same_size].min()) + linger - now)

    @property
    def _has_live(self) -> bool:
        """Whether a stream without background priority is open, whose next row must not wait for long."""
        return bool((self._chunk_of_stream[~self._background] > 0).any())

    def pick(self, most_background: int = 1 << 30) -> Int64s:
        """Slots of the next batch, earliest deadline first; empty when nothing is ready.

        Args:
            most_background: Encoder frames that a batch of background priority may have; it has one row in any case.
        """
        slots: Int64s = np.flatnonzero(self._frames)
        if not len(slots):
            return slots
        background = self._background[slots]
        if not background.all():
            slots = slots[~background]
        due = self._released[slots] + np.minimum(self._frames[slots], MOST_SLACK) * self._frame_seconds
        # A flush is due at once: a caller waits for it, and its audio is complete.
        due = np.where(self._urgent[slots], self._queued[slots], due)
        frames = self._frames[slots[np.argmin(due)]]
        same_size = self._frames[slots] == frames
        slots, due = slots[same_size], due[same_size]
        most = self._max_rows[int(frames)]
        if background.all():
            most = 1 if self._has_live else max(1, min(most, most_background // int(frames)))
        if len(slots) > most:
            # Stable: rows that are equally due go in the order of their slots.
            slots = slots[np.argsort(due, kind="stable")[:most]]
        self._frames[slots] = 0
        return slots

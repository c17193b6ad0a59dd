"""Which rows run next. Pure policy: no tensors, and `now` is passed in.

Rows of one step share a chunk size, because a step has one static shape. Among the chunk sizes with ready rows, the one
goes first whose earliest row is due soonest, with all its ready rows, the most urgent first when they are too many. A
row is due one chunk after it was released, but at most `MOST_SLACK` frames, since what it brings is waited for however
long its chunk is. A row is released when its audio is there; where several chunks were there at once, each is released
one chunk after the one before, as if the audio had come in real time. So streams that have fallen behind fall behind
alike, whatever their chunk size, and a file that comes faster than speech lets speech go first.

Rows of slots that have stepped behind the others go only while no other row is ready; while there are other streams,
one at a time. Among themselves they take turns, whatever each has had already: counted by its audio, a file under way
would stand still until one that has just come had caught up with it.

A batch waits for company, since a step costs about the same for a few rows more: at most `linger` of its chunk, never
when it is full, never when every open stream of its chunk size is in it, and never when somebody waits for a flush.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

MOST_SLACK = 2
"""Encoder frames."""

Slots = npt.NDArray[np.integer[Any]]


class Batcher:
    """Ready rows by slot.

    Args:
        frame_seconds: Length of an encoder frame.
        max_rows: Most rows of one batch, by chunk size.
        slots: Highest slot.
        linger: Longest wait for company, as a share of the chunk.
    """

    def __init__(self, frame_seconds: float, max_rows: dict[int, int], slots: int, linger: float = 0.0) -> None:
        self._frame_seconds = frame_seconds
        self._max_rows = max_rows
        self._linger = linger
        self._frames = np.zeros(slots + 1, np.int64)
        """Chunk size of each slot's ready row, 0 where there is none."""
        self._queued = np.zeros(slots + 1)
        """Since when each row is here."""
        self._released = np.zeros(slots + 1)
        """When each slot's latest row was released."""
        self._urgent = np.zeros(slots + 1, np.bool_)
        self._class = np.zeros(slots + 1, np.int64)
        """Chunk size of each slot's stream, 0 where there is none."""
        self._behind = np.zeros(slots + 1, np.bool_)

    def __len__(self) -> int:
        return int(np.count_nonzero(self._frames))

    def join(self, slot: int, frames: int) -> None:
        """A stream with that chunk size occupies the slot, from now on."""
        self._frames[slot], self._class[slot], self._behind[slot] = 0, frames, False

    def set_background(self, slot: int) -> None:
        """From now on all others go before the slot, as long as it is occupied."""
        self._behind[slot] = True

    def leave(self, slot: int) -> None:
        """The slot's stream is over, and its row forgotten."""
        self._frames[slot] = self._class[slot] = 0

    def add(self, slots: Slots, frames: Slots, urgent: npt.NDArray[np.bool_], now: float) -> None:
        """Rows for which the audio has just come, or the wish to flush it. A slot has one row at a time.

        Args:
            slots: [n].
            frames: Encoder frames of each row, 0 where nothing is ready, [n].
            urgent: Whether somebody waits for the row, [n].
            now: Monotonic seconds.
        """
        new = self._queue(slots, frames, urgent, now)
        self._released[slots[new]] = now

    def follow(self, slots: Slots, frames: Slots, urgent: npt.NDArray[np.bool_], now: float) -> None:
        """Rows for which the audio was there already when the slots' rows before them were picked; like `add`."""
        new = self._queue(slots, frames, urgent, now)
        rows = slots[new]
        in_real_time = self._released[rows] + frames[new] * self._frame_seconds
        self._released[rows] = np.where(self._behind[rows], now, in_real_time)

    def _queue(self, slots: Slots, frames: Slots, urgent: npt.NDArray[np.bool_], now: float) -> npt.NDArray[np.bool_]:
        """Takes in the rows of slots and tells which had none; the others may be waited for, or be flushes, by now."""
        there = frames > 0
        new: npt.NDArray[np.bool_] = there & (self._frames[slots] == 0)
        self._urgent[slots[new]] = False
        self._urgent[slots] |= urgent & there
        self._frames[slots[there]] = self._class[slots[there]] = frames[there]
        self._queued[slots[new]] = now
        return new

    def wait(self, now: float) -> float | None:
        """Seconds until the next batch should run: 0 for at once, None when nothing is ready."""
        slots = np.flatnonzero(self._frames)
        if not len(slots):
            return None
        if not self._linger or self._urgent[slots].any():
            return 0.0
        return float(min(self._wait_of(slots, int(frames), now) for frames in np.unique(self._frames[slots])))

    def _wait_of(self, slots: npt.NDArray[np.intp], frames: int, now: float) -> float:
        mine = slots[self._frames[slots] == frames]
        if len(mine) >= min(self._max_rows[frames], int(np.count_nonzero(self._class == frames))):
            return 0.0
        linger = self._linger * frames * self._frame_seconds
        return max(0.0, float(self._queued[mine].min()) + linger - now)

    @property
    def _has_live(self) -> bool:
        """Whether somebody may have a row any moment that must not wait for long."""
        return bool((self._class[~self._behind] > 0).any())

    def pick(self) -> npt.NDArray[np.int64]:
        """Slots of the next batch, earliest deadline first; empty when nothing is ready."""
        slots: npt.NDArray[np.int64] = np.flatnonzero(self._frames)
        if not len(slots):
            return slots
        behind = self._behind[slots]
        if not behind.all():
            slots = slots[~behind]
        due = self._released[slots] + np.minimum(self._frames[slots], MOST_SLACK) * self._frame_seconds
        due = np.where(self._urgent[slots], self._queued[slots], due)
        frames = self._frames[slots[np.argmin(due)]]
        mine = self._frames[slots] == frames
        slots, due = slots[mine], due[mine]
        most = 1 if behind.all() and self._has_live else self._max_rows[int(frames)]
        if len(slots) > most:
            slots = slots[np.argsort(due, kind="stable")[:most]]
        self._frames[slots] = 0
        return slots

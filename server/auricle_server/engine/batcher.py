"""Which rows run next. Pure policy: no tensors, and `now` is passed in.

Rows of one step share a chunk size, because a step has one static shape. Among the chunk sizes with ready rows, the one
goes first whose earliest row is due soonest; a row is due one chunk after it became ready, for then its successor is.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)


class Batcher(Generic[Key]):
    """Ready rows by chunk size.

    Args:
        frame_seconds: Length of an encoder frame.
        max_rows: Most rows of one batch.
    """

    def __init__(self, frame_seconds: float, max_rows: int) -> None:
        self._frame_seconds = frame_seconds
        self._max_rows = max_rows
        self._due: dict[int, dict[Key, float]] = {}
        """Deadlines of the ready rows, by chunk size."""
        self._class_of: dict[Key, int] = {}

    def __len__(self) -> int:
        return len(self._class_of)

    def add(self, key: Key, frames: int, now: float) -> None:
        """`key` has a row of `frames` encoder frames ready since `now`; a key has at most one row at a time."""
        if key in self._class_of:
            return
        self._class_of[key] = frames
        self._due.setdefault(frames, {})[key] = now + frames * self._frame_seconds

    def discard(self, key: Key) -> None:
        """Forgets the key's row, if it has one."""
        frames = self._class_of.pop(key, None)
        if frames is not None:
            del self._due[frames][key]

    def pick(self) -> list[Key]:
        """The next batch, earliest deadline first; empty when nothing is ready."""
        ready = {frames: min(due.values()) for frames, due in self._due.items() if due}
        if not ready:
            return []
        due = self._due[min(ready, key=lambda frames: ready[frames])]
        keys = sorted(due, key=lambda key: due[key])[: self._max_rows]
        for key in keys:
            self.discard(key)
        return keys

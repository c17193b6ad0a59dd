"""What streams have been asked for and have not come to yet: flushes, and changes of settings."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

_NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """What a stream may change at a chunk boundary.

    Attributes:
        frames: Encoder frames of a chunk (right context + 1).
        prompt: Index of the language prompt; 0 where the model has none.
        terms: Handle of its key terms' automaton; 0 for none.
    """

    frames: int
    prompt: int
    terms: int = 0


@dataclass(frozen=True, slots=True)
class FlushCommand:
    """Decode everything up to here; `last` ends the stream."""

    mark: int
    last: bool


class Commands:
    """A queue for each slot. Only streams that have been asked for something have one; most never are.

    Attributes:
        barrier: Sample count at which each slot's first command takes effect; beyond all audio where there is none.

    Args:
        slots: Highest slot.
    """

    def __init__(self, slots: int) -> None:
        self.barrier = np.full(slots + 1, _NEVER)
        self._queues: dict[int, deque[tuple[int, StreamSettings | FlushCommand]]] = {}

    def put(self, slot: int, at: int, command: StreamSettings | FlushCommand) -> None:
        """Behind those that wait already.

        Args:
            slot: Whose.
            at: Samples of the stream behind which it takes effect; never fewer than the one's before it.
            command: What to do.
        """
        self._queues.setdefault(slot, deque()).append((at, command))
        self.barrier[slot] = self._queues[slot][0][0]

    def first(self, slot: int) -> tuple[int, StreamSettings | FlushCommand] | None:
        """The next one, and where it takes effect; None when there is none."""
        queue = self._queues.get(slot)
        return queue[0] if queue else None

    def pop(self, slot: int) -> None:
        """The first one is done."""
        queue = self._queues[slot]
        queue.popleft()
        if queue:
            self.barrier[slot] = queue[0][0]
        else:
            self.clear(slot)

    def settings(self, slot: int) -> list[StreamSettings]:
        """Those that wait, in order."""
        return [command for _, command in self._queues.get(slot, ()) if isinstance(command, StreamSettings)]

    def clear(self, slot: int) -> None:
        """Drops all of a slot."""
        self._queues.pop(slot, None)
        self.barrier[slot] = _NEVER

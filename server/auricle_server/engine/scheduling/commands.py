"""Commands that wait for their place in a stream: flushes, and changes of settings."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

_NEVER = np.iinfo(np.int64).max
"""Sample count of a command that does not exist: after all audio."""


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """The settings that a stream may change at a chunk boundary.

    Attributes:
        frames: Encoder frames of a chunk (right context + 1).
        prompt: Index of the language prompt; 0 where the model has none.
        terms: Handle of the automaton of its key terms; 0 without key terms.
    """

    frames: int
    prompt: int
    terms: int = 0


@dataclass(frozen=True, slots=True)
class FlushCommand:
    """Decodes everything up to here.

    Attributes:
        mark: The caller's number for the flush, which its answer carries.
        last: Whether the stream ends with it.
    """

    mark: int
    last: bool


class Commands:
    """A queue for each slot. Only slots with commands have one, and most streams never get a command.

    Attributes:
        barrier: Sample count at which each slot's first command takes effect; after all audio where there is none.

    Args:
        slots: Highest slot.
    """

    def __init__(self, slots: int) -> None:
        self.barrier = np.full(slots + 1, _NEVER)
        self._queues: dict[int, deque[tuple[int, StreamSettings | FlushCommand]]] = {}

    def put(self, slot: int, at: int, command: StreamSettings | FlushCommand) -> None:
        """Appends a command.

        Args:
            slot: Slot of the stream.
            at: Samples of the stream after which it takes effect; at least those of the command before it.
            command: What to do.
        """
        self._queues.setdefault(slot, deque()).append((at, command))
        # The first command and not this one: none takes effect before those ahead of it.
        self.barrier[slot] = self._queues[slot][0][0]

    def first(self, slot: int) -> tuple[int, StreamSettings | FlushCommand] | None:
        """The next command, after the sample count at which it takes effect; None when no command waits."""
        queue = self._queues.get(slot)
        return queue[0] if queue else None

    def pop(self, slot: int) -> None:
        """Removes the first command."""
        queue = self._queues[slot]
        queue.popleft()
        if queue:
            self.barrier[slot] = queue[0][0]
        else:
            self.clear(slot)

    def settings(self, slot: int) -> list[StreamSettings]:
        """The settings that wait, in order."""
        return [command for _, command in self._queues.get(slot, ()) if isinstance(command, StreamSettings)]

    def clear(self, slot: int) -> None:
        """Drops all commands of a slot."""
        self._queues.pop(slot, None)
        self.barrier[slot] = _NEVER

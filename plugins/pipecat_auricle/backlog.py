"""What the pipeline has said and the server was not told yet."""

from __future__ import annotations

import asyncio
from collections import deque

from auricle.protocol.client_messages import End, Finalize, Update

Said = bytes | Update | Finalize | End


class Backlog:
    """What waits to be sent, in order, for one reader.

    Args:
        held_bytes: Audio kept at most; beyond it the oldest goes, and what was said before it.
    """

    def __init__(self, held_bytes: int) -> None:
        self._held_bytes = held_bytes
        self._size = 0
        self._items: deque[Said] = deque()
        self._filled = asyncio.Event()

    def put(self, said: Said) -> bool:
        """Adds to the end; returns whether something had to go."""
        self._items.append(said)
        self._size += _size(said)
        full = self._size > self._held_bytes
        while self._size > self._held_bytes:
            self._size -= _size(self._items.popleft())
        self._filled.set()
        return full

    async def get(self) -> Said:
        """Takes the oldest."""
        while not self._items:
            self._filled.clear()
            await self._filled.wait()
        said = self._items.popleft()
        self._size -= _size(said)
        return said


def _size(said: Said) -> int:
    return len(said) if isinstance(said, bytes) else 0

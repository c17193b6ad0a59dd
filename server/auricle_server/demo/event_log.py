"""What the demo's page is told: a page that comes late gets everything since the performance began."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

Event = dict[str, Any]


class EventLog:
    """Events for any number of readers, each of which gets all of them in order."""

    def __init__(self) -> None:
        self._kept: list[Event] = []
        self._queues: set[asyncio.Queue[Event]] = set()

    @property
    def readers(self) -> int:
        """Readers that follow now."""
        return len(self._queues)

    def restart(self, *events: Event) -> None:
        """Forgets what was, so that who comes later begins with these events."""
        self._kept.clear()
        for event in events:
            self.publish(event)

    def publish(self, event: Event, *, keep: bool = True) -> None:
        """Gives an event to all readers; `keep` says whether readers who come later get it, too."""
        if keep:
            self._kept.append(event)
        for queue in self._queues:
            queue.put_nowait(event)

    async def follow(self, pause: float) -> AsyncGenerator[Event | None, None]:
        """All events that are kept and then those that come; None whenever none has come for `pause` seconds."""
        queue: asyncio.Queue[Event] = asyncio.Queue()
        for event in self._kept:
            queue.put_nowait(event)
        self._queues.add(queue)
        try:
            while True:
                try:
                    yield await asyncio.wait_for(queue.get(), pause)
                except TimeoutError:
                    yield None
        finally:
            self._queues.discard(queue)

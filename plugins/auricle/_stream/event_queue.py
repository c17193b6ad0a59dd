"""The events that wait for the caller: bounded, and without interims that a newer one replaces."""

from __future__ import annotations

import asyncio
from collections import deque

from auricle.events import Reconnecting, StreamEvent
from auricle.protocol.replaceable import drop_replaced

MAX_QUEUED = 1024
"""Several minutes of speech even at 80 ms chunks: only a caller that has stopped reading gets there."""


class EventQueue:
    """A queue for one writer and one reader.

    An interim replaces the one before it while no other event but signals lies between, in a crowd signals replace
    signals, and a `Reconnecting` one directly before it: a slow reader gets the newest text and not a backlog.
    """

    def __init__(self) -> None:
        self._events: deque[StreamEvent] = deque()
        self._filled = asyncio.Event()
        self._emptied = asyncio.Event()
        self._closed = False
        self._error: BaseException | None = None

    def __len__(self) -> int:
        return len(self._events)

    async def put(self, event: StreamEvent) -> None:
        """Adds an event; waits while `MAX_QUEUED` are unread, and meanwhile the socket is not read either."""
        while len(self._events) >= MAX_QUEUED:
            self._emptied.clear()
            await self._emptied.wait()
        self.put_nowait(event)

    def put_nowait(self, event: StreamEvent) -> None:
        """Adds an event, even beyond the bound; for the few events about the connection itself."""
        drop_replaced(self._events, event)
        drop_replaced(self._events, event, (Reconnecting,))
        self._events.append(event)
        self._filled.set()

    def close(self, error: BaseException | None) -> None:
        """No more events will come; `get` raises `error`, or ends the iteration, once all are read."""
        self._closed, self._error = True, error
        self._filled.set()

    async def get(self) -> StreamEvent:
        """The oldest event.

        Raises:
            StopAsyncIteration: Closed without an error, and all events are read.
        """
        while not self._events:
            if self._closed:
                raise self._error or StopAsyncIteration
            self._filled.clear()
            await self._filled.wait()
        self._emptied.set()
        # Nothing is awaited from here on, so a call that is cancelled takes no event with it.
        return self._events.popleft()

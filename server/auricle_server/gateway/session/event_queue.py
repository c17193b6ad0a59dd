"""What one client is to be sent, in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from auricle.protocol.connection import ServerConnection
from auricle.protocol.server_messages import Interim, ServerEvent


class OutgoingEvents:
    """Events until they are texts on their way.

    Args:
        connection: Numbers and encodes them.
    """

    def __init__(self, connection: ServerConnection) -> None:
        self._connection = connection
        self._events: deque[ServerEvent] = deque()
        self._again: deque[str] = deque()

    def __len__(self) -> int:
        """Events that have not been sent."""
        return len(self._events)

    def put(self, events: Iterable[ServerEvent]) -> None:
        """Adds events. A client that does not keep up gets the newest interim only: it holds all of those before."""
        for event in events:
            if isinstance(event, Interim) and self._events and isinstance(self._events[-1], Interim):
                self._events.pop()
            self._events.append(event)

    def clear(self) -> None:
        """Nothing of what waits is to be sent any more."""
        self._events.clear()
        self._again.clear()

    def resend(self, texts: Iterable[str]) -> None:
        """Another connection takes over: these texts go first, and none of what the one before was to get again."""
        self._again = deque(texts)

    def next_text(self) -> str | None:
        """The next text; None when there is none for now."""
        if self._again:
            return self._again.popleft()
        return self._connection.send(self._events.popleft()) if self._events else None

"""What one client is to be sent, in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from auricle.protocol.connection import ServerConnection
from auricle.protocol.server_messages import Interim, ServerEvent


class OutgoingEvents:
    """Events that wait to be sent. They are numbered and encoded only when they are sent.

    Args:
        connection: Numbers and encodes them.

    Attributes:
        waiting: Events that have not been sent.
    """

    def __init__(self, connection: ServerConnection) -> None:
        self._connection = connection
        self.waiting: deque[ServerEvent] = deque()
        self._replayed: deque[str] = deque()

    def put(self, events: Iterable[ServerEvent]) -> None:
        """Adds events.

        An interim replaces one that still waits right before it, as its text contains the other's: a client that
        reads slowly gets the newest only.
        """
        for event in events:
            if isinstance(event, Interim) and self.waiting and isinstance(self.waiting[-1], Interim):
                self.waiting.pop()
            self.waiting.append(event)

    def clear(self) -> None:
        """Drops everything that waits."""
        self.waiting.clear()
        self._replayed.clear()

    def replay(self, texts: Iterable[str]) -> None:
        """Sends these texts first, on a new connection, in place of those that an earlier one was to replay."""
        self._replayed = deque(texts)

    def next_text(self) -> str | None:
        """The next text; None when nothing waits."""
        if self._replayed:
            return self._replayed.popleft()
        return self._connection.send(self.waiting.popleft()) if self.waiting else None

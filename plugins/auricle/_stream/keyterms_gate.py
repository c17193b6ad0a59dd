"""Audio that was said before a connection waits until the stream's key terms are in force on it."""

from __future__ import annotations

import asyncio
import contextlib

from auricle.protocol import codes
from auricle.protocol.client_messages import Start
from auricle.protocol.server_messages import Error, KeytermsInForce, ServerEvent

PATIENCE = 0.5
"""Seconds for which it waits at most: a server may have no time for a long list, and an older one sends no event."""


class KeytermsGate:
    """Opens when a new connection has the stream's key terms.

    A server prepares them while the stream goes on, and audio that is replayed comes all at once: without a wait a lost
    server would cost the names that were said before.

    Args:
        start: Of the connection.
        held_seconds: Audio that is sent again, or was said before there was a connection.
    """

    def __init__(self, start: Start, held_seconds: float) -> None:
        self._open = asyncio.Event()
        if not start.keyterms or start.offline or not held_seconds:  # a recording waits for its terms at the server
            self._open.set()

    async def wait(self) -> None:
        """Returns once the audio may be sent."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await self._open.wait()

    def on_event(self, event: ServerEvent) -> None:
        """Follows the server's events."""
        refused = isinstance(event, Error) and event.code == codes.NO_ROOM_FOR_KEYTERMS
        if refused or isinstance(event, KeytermsInForce):
            self._open.set()

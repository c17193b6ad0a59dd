"""An open stream of Deepgram's SDK, of either API."""

from __future__ import annotations

import asyncio
from typing import Any

from deepgram import AsyncDeepgramClient, DeepgramClientEnvironment
from deepgram.core.events import EventType


class OpenStream:
    """An open stream, and what has come from it."""

    def __init__(self, socket: Any) -> None:
        self.socket = socket
        self.messages: list[Any] = []
        self.errors: list[Any] = []
        socket.on(EventType.MESSAGE, self.messages.append)
        socket.on(EventType.ERROR, self.errors.append)
        self.listening = asyncio.create_task(socket.start_listening())

    async def send(self, audio: bytes, piece: int = 2_561) -> None:
        """In pieces of 80 ms that end within samples."""
        for at in range(0, len(audio), piece):
            await self.socket.send_media(audio[at : at + piece])

    async def close(self) -> None:
        await self.socket.send_close_stream()
        await asyncio.wait_for(self.listening, 30)

    def of(self, *kinds: str) -> list[Any]:
        """Messages of these types, and turn infos of these events."""
        return [each for each in self.messages if each.type in kinds or getattr(each, "event", None) in kinds]


def sdk(url: str, key: str = "key", **options: Any) -> AsyncDeepgramClient:
    """A client of the server at this address, for WebSockets and for requests."""
    http = url.replace("ws", "http", 1)
    environment = DeepgramClientEnvironment(base=http, production=url, agent=url, agent_rest=http)
    return AsyncDeepgramClient(api_key=key, environment=environment, **options)

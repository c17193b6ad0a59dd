"""A client by hand: raw WebSocket, raw JSON, no library of ours between."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import numpy as np

from tests.support.tones import Pcm

Event = dict[str, Any]


class Talk:
    """One connection.

    Attributes:
        events: All that has come.
        close_code: Once it is closed.
    """

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.events: list[Event] = []
        self.close_code: int | None = None

    async def send(self, **message: Any) -> None:
        """A JSON message."""
        await self.socket.send_str(json.dumps(message))

    async def start(self, **settings: Any) -> Event:
        """The start, and the answer to it."""
        await self.send(type="start", **settings)
        return await self.event()

    async def say(self, audio: Pcm | bytes, piece: int = 5120) -> None:
        """Audio in pieces of so many bytes, as fast as the server takes it."""
        data = audio if isinstance(audio, bytes) else audio.astype("<i2").tobytes()
        for at in range(0, len(data), piece):
            await self.socket.send_bytes(data[at : at + piece])

    async def event(self, *types: str) -> Event:
        """The next event, or the next of these types."""
        while True:
            message = await asyncio.wait_for(self.socket.receive(), 10)
            assert message.type is aiohttp.WSMsgType.TEXT, (message, self.events)
            event: Event = json.loads(message.data)
            self.events.append(event)
            if not types or event["type"] in types:
                return event

    async def rest(self) -> list[Event]:
        """Everything up to the close."""
        before = len(self.events)
        while True:
            message = await asyncio.wait_for(self.socket.receive(), 10)
            if message.type is not aiohttp.WSMsgType.TEXT:
                break
            self.events.append(json.loads(message.data))
        self.close_code = self.socket.close_code
        return self.events[before:]

    async def end(self) -> list[Event]:
        """Says the end; everything that comes of it."""
        await self.send(type="end")
        return await self.rest()

    @property
    def text(self) -> str:
        """All finals joined."""
        return " ".join(event["text"] for event in self.events if event["type"] == "final" and event["text"])

    @property
    def kinds(self) -> list[str]:
        """The types of all events."""
        return [event["type"] for event in self.events]


@asynccontextmanager
async def talking(url: str, query: str = "", **options: Any) -> AsyncIterator[Talk]:
    """A connection to the server at `url`."""
    async with aiohttp.ClientSession() as http, http.ws_connect(f"{url}/v1/stream{query}", **options) as socket:
        yield Talk(socket)


async def transcribed(url: str, audio: Pcm | bytes, **settings: Any) -> str:
    """What the server makes of `audio`."""
    async with talking(url) as talk:
        await talk.start(**settings)
        await talk.say(audio)
        await talk.end()
        assert talk.close_code == 1000
        return talk.text


async def until(holds: Callable[[], bool | Awaitable[bool]], seconds: float = 30) -> None:
    """Waits for what other threads and processes bring about."""
    async with asyncio.timeout(seconds):
        while True:
            held = holds()
            if held if isinstance(held, bool) else await held:
                return
            await asyncio.sleep(0.02)


def quiet(seconds: float) -> Pcm:
    """Digital silence."""
    return np.zeros(round(16000 * seconds), np.int16)

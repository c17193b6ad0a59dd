"""A client without Auricle's client library: plain WebSocket messages and JSON."""

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


class RawClient:
    """One connection.

    Attributes:
        events: All received events.
        close_code: The close code; None while the connection is open.
    """

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.events: list[Event] = []
        self.close_code: int | None = None

    async def send(self, **message: Any) -> None:
        """Sends a JSON message."""
        await self.socket.send_str(json.dumps(message))

    async def start(self, **settings: Any) -> Event:
        """Sends the start message and returns the answer."""
        await self.send(type="start", **settings)
        return await self.event()

    async def send_audio(self, audio: Pcm | bytes, piece: int = 5120) -> None:
        """Sends audio in messages of `piece` bytes, as fast as the server reads them."""
        data = audio if isinstance(audio, bytes) else audio.astype("<i2").tobytes()
        for at in range(0, len(data), piece):
            await self.socket.send_bytes(data[at : at + piece])

    async def event(self, *types: str) -> Event:
        """Receives the next event, or the next event of these types."""
        while True:
            message = await asyncio.wait_for(self.socket.receive(), 10)
            assert message.type is aiohttp.WSMsgType.TEXT, (message, self.events)
            event: Event = json.loads(message.data)
            self.events.append(event)
            if not types or event["type"] in types:
                return event

    async def rest(self) -> list[Event]:
        """Receives all events up to the close."""
        before = len(self.events)
        while True:
            message = await asyncio.wait_for(self.socket.receive(), 10)
            if message.type is not aiohttp.WSMsgType.TEXT:
                break
            self.events.append(json.loads(message.data))
        self.close_code = self.socket.close_code
        return self.events[before:]

    async def end(self) -> list[Event]:
        """Sends the end message and receives all events up to the close."""
        await self.send(type="end")
        return await self.rest()

    @property
    def text(self) -> str:
        """The texts of all finals, joined."""
        return " ".join(event["text"] for event in self.events if event["type"] == "final" and event["text"])

    @property
    def kinds(self) -> list[str]:
        """The types of all events."""
        return [event["type"] for event in self.events]


@asynccontextmanager
async def connected_client(url: str, query: str = "", **options: Any) -> AsyncIterator[RawClient]:
    """Connects to the server at `url`."""
    async with aiohttp.ClientSession() as http, http.ws_connect(f"{url}/v1/stream{query}", **options) as socket:
        yield RawClient(socket)


async def transcribed(url: str, audio: Pcm | bytes, **settings: Any) -> str:
    """The server's transcript of `audio`."""
    async with connected_client(url) as client:
        await client.start(**settings)
        await client.send_audio(audio)
        await client.end()
        assert client.close_code == 1000
        return client.text


async def until(holds: Callable[[], bool | Awaitable[bool]], seconds: float = 30) -> None:
    """Waits until a condition holds that other threads or processes bring about."""
    async with asyncio.timeout(seconds):
        while True:
            held = holds()
            if held if isinstance(held, bool) else await held:
                return
            await asyncio.sleep(0.02)


def quiet(seconds: float) -> Pcm:
    """Digital silence."""
    return np.zeros(round(16000 * seconds), np.int16)

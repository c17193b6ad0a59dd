"""The newest reading of the server's state, for all who follow it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from typing import Any

from auricle_server.gateway.errors import AtCapacity

READING_SECONDS = 1.0
MOST_READERS = 64
"""Who may follow one gateway at once: some dozens of open pages."""
_SHARE = 0.05
"""Of the event loop's time that readings may take: it is the streams'."""


class StatusBoard:
    """Reads the state once a second while anyone follows it, and never otherwise. To be used on the event loop.

    Args:
        read: Makes a reading; gets the loop's time.
        forget: Called when nobody follows any more.
    """

    def __init__(self, read: Callable[[float], dict[str, Any]], forget: Callable[[], None]) -> None:
        self._read = read
        self._forget = forget
        self._readers = 0
        self._text = ""
        self._news = asyncio.Event()
        self._reading: asyncio.Task[None] | None = None
        self._closed = False

    async def follow(self) -> AsyncGenerator[str, None]:
        """The readings as JSON, the first one at once; ends when the server shuts down, after a last one.

        Whoever takes a reading late gets the newest next.

        Raises:
            AtCapacity: `MOST_READERS` follow already.
        """
        if self._readers >= MOST_READERS:
            raise AtCapacity(
                f"{MOST_READERS} readers follow the status of this gateway, as many as may; try again later"
            )
        self._readers += 1
        try:
            if self._reading is None:
                self._take_reading()
                self._reading = asyncio.create_task(self._run())
            while True:
                news = self._news
                yield self._text
                if self._closed:
                    return
                await news.wait()
        finally:
            self._readers -= 1
            if not self._readers and self._reading is not None:
                self._reading.cancel()
                self._reading = None
                self._forget()

    def close(self) -> None:
        """The server shuts down: everyone gets a last reading."""
        if not self._closed:
            self._closed = True
            if self._readers:
                self._take_reading()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        pause = READING_SECONDS
        with suppress(asyncio.CancelledError):
            while not self._closed:
                await asyncio.sleep(pause)
                began = loop.time()
                self._take_reading()
                pause = max(READING_SECONDS, (loop.time() - began) / _SHARE)

    def _take_reading(self) -> None:
        self._text = json.dumps(self._read(asyncio.get_running_loop().time()), separators=(",", ":"))
        # A new event for each reading: whoever is late finds its own set already.
        news, self._news = self._news, asyncio.Event()
        news.set()

"""`/metrics` as often as anyone asks, for a bounded share of the gateway's time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiohttp import web

_SHARE = 0.1
"""Of the event loop's time: the page needs no key, and what it takes is the streams'."""


class MetricsPage:
    """Writes the page once for all who wait for it. To be used on the event loop.

    Args:
        write: Writes it; takes milliseconds, more with many gateways.
    """

    def __init__(self, write: Callable[[], bytes]) -> None:
        self._write = write
        self._writing: asyncio.Task[bytes] | None = None
        self._due = 0.0

    async def answer(self, _: web.Request) -> web.Response:
        """Answers a request for the page."""
        # The version belongs to the media type of Prometheus's text format.
        return web.Response(body=await self.text(), headers={"Content-Type": "text/plain; version=0.0.4"})

    async def text(self) -> bytes:
        """The page, no older than the call."""
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_when_due())
        # Others wait for the same page, so a client that goes must not cancel it.
        return await asyncio.shield(self._writing)

    async def _write_when_due(self) -> bytes:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(max(0.0, self._due - loop.time()))
        self._writing = None  # who asks from now on gets a newer page
        began = loop.time()
        text = self._write()
        ended = loop.time()
        self._due = ended + (ended - began) * (1 / _SHARE - 1)
        return text

"""The Chrome DevTools Protocol on one WebSocket: commands with their answers, and the browser's events."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import aiohttp

PATIENCE = 60.0
"""Seconds to wait for what must come: far longer than it takes, because the machine may be busy."""


class PageFailed(Exception):
    """What the browser refused, or what the page's own script threw."""


class DevTools:
    """A connection to a browser.

    Attributes:
        seen: All events so far, by method.
    """

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.seen: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        self._socket = socket
        self._numbers = count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._arrived = asyncio.Event()

    async def command(self, method: str, params: dict[str, Any], session: str | None = None) -> dict[str, Any]:
        """Sends a command and waits for its answer.

        Args:
            method: Such as ``"Page.navigate"``.
            params: Of the method.
            session: Of the tab; None for the browser itself.

        Raises:
            PageFailed: The browser refuses it.
        """
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params}
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json(message if session is None else message | {"sessionId": session})
        async with asyncio.timeout(PATIENCE):
            told = await answer
        if "error" in told:
            raise PageFailed(f"{method}: {told['error']}")
        result: dict[str, Any] = told["result"]
        return result

    async def event(self, method: str, after: int = 0) -> dict[str, Any]:
        """The first event of a method after those that were seen already; waits for it.

        Args:
            method: Such as ``"Page.loadEventFired"``; its domain must be enabled.
            after: How many events of it to pass over, ``len(devtools.seen[method])`` for all that have come.
        """
        async with asyncio.timeout(PATIENCE):
            while len(self.seen[method]) <= after:
                self._arrived.clear()
                await self._arrived.wait()
        return self.seen[method][after]

    async def read(self) -> None:
        """Receives until the browser goes."""
        async for message in self._socket:
            told = message.json()
            if "id" in told:
                answer = self._answers.pop(told["id"])
                if not answer.done():  # the caller may have given up
                    answer.set_result(told)
            else:
                self.seen[told["method"]].append(told.get("params", {}))
                self._arrived.set()
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(PageFailed("the browser has gone"))


@asynccontextmanager
async def devtools(url: str) -> AsyncIterator[DevTools]:
    """A connection to the browser that has named this address."""
    async with aiohttp.ClientSession() as http, http.ws_connect(url, max_msg_size=0) as socket:
        tools = DevTools(socket)
        reading = asyncio.create_task(tools.read())
        try:
            yield tools
        finally:
            reading.cancel()
            await asyncio.wait([reading])

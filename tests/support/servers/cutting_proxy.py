"""A proxy that cuts connections at random."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class CuttingProxy:
    """Passes bytes between a client and a server, and cuts every connection after a random number of them."""

    def __init__(self, target: str, seed: int, cuts: int) -> None:
        host, port = target.removeprefix("ws://").split(":")
        self._target = (host, int(port))
        self._random = random.Random(seed)
        self.cuts_left = cuts
        self._writers: set[asyncio.StreamWriter] = set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()[:2]
        try:
            yield f"ws://{host}:{port}"
        finally:
            server.close()
            self._cut()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(*self._target)
        self._writers |= {writer, far_writer}
        budget = [round(200 * 500 ** self._random.random())] if self.cuts_left > 0 else [1 << 40]
        with suppress(ConnectionError):
            await asyncio.wait(
                [
                    asyncio.create_task(self._pass(reader, far_writer, budget)),
                    asyncio.create_task(self._pass(far_reader, writer, budget)),
                ]
            )

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, budget: list[int]) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(1 << 12):
                passed = data[: budget[0]]
                writer.write(passed)
                await writer.drain()
                budget[0] -= len(data)
                if budget[0] <= 0:
                    self.cuts_left -= 1
                    break
        if budget[0] <= 0:
            self._cut()
        writer.close()

    def _cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

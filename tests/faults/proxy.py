"""A TCP proxy that does what networks do: it cuts, stalls, slows down and closes in disorder."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Self

_READ = 1 << 14


@dataclass(eq=False)
class Way:
    """One direction of one connection.

    Attributes:
        passed: Bytes so far.
        open: Cleared while the way is stalled; bytes wait in the kernel, as behind a network that has gone dark.
        overtaken: Bytes before the end of the connection that never arrive, because the end overtakes them.
    """

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    passed: int = 0
    overtaken: int = 0
    open: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(eq=False)
class Passage:
    """One connection of a client, and the one to the server that belongs to it."""

    up: Way
    down: Way

    def cut(self) -> None:
        """Breaks both connections; what is on its way is lost."""
        for way in (self.up, self.down):
            way.open.set()
            way.writer.transport.abort()

    def stall(self, *, up: bool = True, down: bool = True) -> None:
        """Passes nothing more on; the connections stay."""
        if up:
            self.up.open.clear()
        if down:
            self.down.open.clear()


class Proxy:
    """Passes bytes to the server at `target`.

    Args:
        target: ``ws://host:port``.
        bytes_per_second: Bound of each direction, None for none.
        piece: Most bytes passed on at once.
        hold_close: Whether the server's end of the connection is kept from the client.

    Attributes:
        url: Where it listens.
        passages: The connections that are open.
        opened: How many there have been.
        on_bytes: Called with each passage after bytes were passed.
        refusing: Whether new connections are broken at once.
    """

    def __init__(
        self,
        target: str,
        *,
        bytes_per_second: float | None = None,
        piece: int = _READ,
        hold_close: bool = False,
    ) -> None:
        host, port = target.removeprefix("ws://").split(":")
        self._target = (host, int(port))
        self._rate = bytes_per_second
        self._piece = piece
        self._hold_close = hold_close
        self._tasks: set[asyncio.Task[None]] = set()
        self.url = ""
        self.passages: list[Passage] = []
        self.opened = 0
        self.on_bytes: Callable[[Passage], None] = lambda _: None
        self.refusing = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        """Listens inside the block."""
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()[:2]
        self.url = f"ws://{host}:{port}"
        try:
            yield self
        finally:
            server.close()
            self.cut()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        """Breaks every connection."""
        for passage in list(self.passages):
            passage.cut()

    def stall(self, *, up: bool = True, down: bool = True) -> None:
        """Stalls every connection that is open now; new ones pass."""
        for passage in self.passages:
            passage.stall(up=up, down=down)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refusing:
            writer.transport.abort()
            return
        far_reader, far_writer = await asyncio.open_connection(*self._target)
        passage = Passage(Way(reader, far_writer), Way(far_reader, writer))
        self.passages.append(passage)
        self.opened += 1
        task = asyncio.create_task(self._serve(passage))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, passage: Passage) -> None:
        passage.up.open.set()
        passage.down.open.set()
        ways = [
            asyncio.create_task(self._pass(passage, passage.up)),
            asyncio.create_task(self._pass(passage, passage.down)),
        ]
        try:
            await asyncio.gather(*ways)
        finally:
            for way in ways:
                way.cancel()
            self.passages.remove(passage)
            passage.cut()

    async def _pass(self, passage: Passage, way: Way) -> None:
        kept = b""
        with suppress(ConnectionError):
            while data := await way.reader.read(self._piece):
                await way.open.wait()
                kept += data
                sent, kept = (kept[: -way.overtaken], kept[-way.overtaken :]) if way.overtaken else (kept, b"")
                way.writer.write(sent)
                await way.writer.drain()
                way.passed += len(sent)
                self.on_bytes(passage)
                if self._rate is not None:
                    await asyncio.sleep(len(sent) / self._rate)
            if way is passage.down and self._hold_close:
                await asyncio.Event().wait()
            way.writer.close()

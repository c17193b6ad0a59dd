"""A forward proxy on the loopback, as companies have them: CONNECT for TLS, whole addresses for the rest."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit


class ForwardProxy:
    """Passes bytes between a client and the server that the client names.

    Args:
        login: ``user:password`` that it asks for; None asks for none.

    Attributes:
        requests: The first line of each request, ``GET http://... HTTP/1.1`` or ``CONNECT host:port HTTP/1.1``.
        url: Its address.
    """

    def __init__(self, login: str | None = None) -> None:
        self.requests: list[str] = []
        self.url = ""
        self._login = None if login is None else f"Basic {base64.b64encode(login.encode()).decode()}"
        self._writers: set[asyncio.StreamWriter] = set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[ForwardProxy]:
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()[:2]
        self.url = f"http://{host}:{port}"
        try:
            yield self
        finally:
            server.close()
            for writer in self._writers:
                writer.transport.abort()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            first, *headers = head.split("\r\n")
            self.requests.append(first)
            if self._login is not None and f"Proxy-Authorization: {self._login}" not in headers:
                writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
                writer.close()
                return
            await self._forward(first, head, reader, writer)

    async def _forward(self, first: str, head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        method, target, _ = first.split()
        address = urlsplit(target if "://" in target else f"//{target}")
        far_reader, far_writer = await asyncio.open_connection(address.hostname, address.port)
        self._writers.add(far_writer)
        if method == "CONNECT":
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            path = address._replace(scheme="", netloc="").geturl()
            far_writer.write(head.replace(target, path, 1).encode())
        await asyncio.gather(_pass(reader, far_writer), _pass(far_reader, writer))


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    writer.close()

"""Passes clients that resume a stream on to the gateway that holds it.

The gateways of one server share its port, so the kernel may give a client's new connection to another gateway than its
old one. Each gateway has a socket of its own in a folder that only this server's processes can enter, and its resume
tokens name it. A gateway that gets the token of another one connects the two; the stream stays where it is. Before that
a token may name the server, for a proxy in front of several.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp
from aiohttp import WSMsgType, web

from auricle_server.gateway.http.socket import CLOSE_SECONDS

RESUME_PATH = "/v1/resume"
"""As `/v1/stream`, but only for streams that this gateway holds."""
_CONNECT_SECONDS = 2.0
_SEPARATOR = "."
_MAX_INDEX_DIGITS = 4


class ResumeProxy:
    """Knows which gateway a resume token belongs to.

    Args:
        folder: Of the gateways' sockets; None for a gateway that is alone.
        index: Number of this one.
        server_name: Of the server, see `ServerConfig`.

    Attributes:
        index: As given.
    """

    def __init__(self, folder: Path | None = None, index: int = 0, server_name: str = "") -> None:
        self._folder = folder
        self._prefix = f"{server_name}{_SEPARATOR}" if server_name else ""
        self.index = index

    @property
    def own_socket(self) -> Path | None:
        """Where this gateway listens to the others."""
        return None if self._folder is None else self._socket(self._folder, self.index)

    def sign(self, token: str) -> str:
        """The token with the name of this server, if it has one, and the number of this gateway."""
        return f"{self._prefix}{self.index}{_SEPARATOR}{token}"

    def owner(self, token: str) -> Path | None:
        """The socket of the gateway that has issued a token; None when this one has, or no gateway that runs."""
        # With the prefix of another server nothing below is a gateway's number, or a stream has no such token.
        index, separator, _ = token.removeprefix(self._prefix).partition(_SEPARATOR)
        # The number becomes part of a path, and the token is the client's text. `isdigit` alone takes digits of any
        # script.
        is_number = index.isascii() and index.isdigit() and len(index) <= _MAX_INDEX_DIGITS
        if self._folder is None or not separator or not is_number or int(index) == self.index:
            return None
        socket = self._socket(self._folder, int(index))
        return socket if socket.exists() else None

    @staticmethod
    def _socket(folder: Path, index: int) -> Path:
        return folder / f"gateway-{index}.sock"


async def proxy(
    request: web.Request, owner: Path, message_bytes: int, headers: Mapping[str, str], subprotocol: str
) -> web.StreamResponse | None:
    """Connects a client to the gateway that holds its stream, for as long as the connection lasts.

    Args:
        request: The client's.
        owner: Socket of that gateway.
        message_bytes: Largest message that is accepted.
        headers: For that gateway: the stream, and the client's key, which that gateway checks as well.
        subprotocol: Of the answer to the client; empty for none.

    Returns:
        None when that gateway has stopped, or does not hold the stream; the client has not been answered then.
    """
    protocols = (subprotocol,) if subprotocol else ()
    client: web.WebSocketResponse | None = None
    # Until `prepare` a failure leaves the client unanswered: the stream is not there (404), or its gateway has gone.
    with suppress(aiohttp.WSServerHandshakeError, aiohttp.ClientConnectionError, TimeoutError):
        async with _connected(owner, headers) as gateway:
            client = web.WebSocketResponse(
                timeout=CLOSE_SECONDS,
                max_msg_size=message_bytes + 1,
                compress=False,
                autoping=False,
                protocols=protocols,
            )
            await client.prepare(request)
            await _exchange(request, client, gateway)
    return client


@asynccontextmanager
async def _connected(owner: Path, headers: Mapping[str, str]) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """A connection to a gateway, cut at the end: only the client's own close frame may end its stream."""
    connector = aiohttp.UnixConnector(str(owner))
    async with aiohttp.ClientSession(connector=connector) as http:
        async with asyncio.timeout(_CONNECT_SECONDS):
            # The host is never looked up: the connector goes to the socket. Messages have no bound, as this server
            # sends them.
            gateway = await http.ws_connect(
                f"http://gateway{RESUME_PATH}", headers=headers, max_msg_size=0, autoping=False
            )
        connection = gateway._response.connection  # noqa: SLF001  # aiohttp has no public way to the transport
        transport = None if connection is None else connection.transport
        try:
            yield gateway
        finally:
            if transport is not None:
                transport.abort()


async def _exchange(
    request: web.Request, client: web.WebSocketResponse, gateway: aiohttp.ClientWebSocketResponse
) -> None:
    """Forwards messages, pings and pongs both ways until one end closes or is cut; then does that to the other."""
    up = asyncio.create_task(_forward(client, gateway))
    down = asyncio.create_task(_forward(gateway, client))
    await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
    finished, other = (up, gateway) if up.done() else (down, client)
    # `close` waits for the peer's close frame only while no other task reads from the socket.
    for task in (up, down):
        task.cancel()
    await asyncio.gather(up, down, return_exceptions=True)
    code = None if finished.cancelled() else finished.result()
    if code is not None:
        await other.close(code=code)
    # A cut is passed on as a cut: neither end has closed the conversation, and the stream is kept for the client.
    elif request.transport is not None:
        request.transport.abort()


async def _forward(
    origin: web.WebSocketResponse | aiohttp.ClientWebSocketResponse,
    target: web.WebSocketResponse | aiohttp.ClientWebSocketResponse,
) -> int | None:
    """Forwards messages from one end to the other; returns the code of a close frame, None when `origin` was cut."""
    with suppress(ConnectionError):
        while True:
            message = await origin.receive()
            match message.type:
                case WSMsgType.TEXT:
                    await target.send_str(message.data)
                case WSMsgType.BINARY:
                    await target.send_bytes(message.data)
                # End to end, autoping being off on both sides: the gateway of the stream watches its client's signs of
                # life.
                case WSMsgType.PING:
                    await target.ping(message.data)
                case WSMsgType.PONG:
                    await target.pong(message.data)
                case WSMsgType.CLOSE:
                    # aiohttp reads a close frame without a code as 0. RFC 6455, section 7.4.1, forbids to send its 1005
                    # on.
                    return int(message.data or aiohttp.WSCloseCode.OK)
                case _:
                    break
    return None

"""The gateways of one server share its port, so a client that comes back may come to another one than it left.

Each has a socket of its own in a folder that only this server's processes can enter. A gateway that did not give a
resume token out passes the connection on to the one that did: the stream stays where it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp
from aiohttp import WSMsgType, web

from auricle.protocol.client_messages import RESUME_HEADER
from auricle_server.gateway.http.socket import CLOSE_SECONDS

RESUME_PATH = "/v1/resume"
"""As `/v1/stream`, for streams that are there already."""
_CONNECT_SECONDS = 2.0
_MARK = "."
_LONGEST_INDEX = 4


class ResumeProxy:
    """What one gateway knows of the others.

    Args:
        folder: Of the sockets; None for a gateway that is alone.
        index: Number of this one.
    """

    def __init__(self, folder: Path | None = None, index: int = 0) -> None:
        self._folder = folder
        self._index = index

    @property
    def own_socket(self) -> Path | None:
        """Where this gateway listens to the others."""
        return None if self._folder is None else self._socket(self._folder, self._index)

    def sign(self, token: str) -> str:
        """The token, saying whose it is."""
        return f"{self._index}{_MARK}{token}"

    def owner(self, token: str) -> Path | None:
        """The socket of the gateway that gave a token out; None when it was this one, or nobody."""
        name, mark, _ = token.partition(_MARK)
        is_number = name.isascii() and name.isdigit() and len(name) <= _LONGEST_INDEX
        if self._folder is None or not mark or not is_number or int(name) == self._index:
            return None
        socket = self._socket(self._folder, int(name))
        return socket if socket.exists() else None

    @staticmethod
    def _socket(folder: Path, index: int) -> Path:
        return folder / f"gateway-{index}.sock"


async def pass_on(request: web.Request, owner: Path, message_bytes: int) -> web.StreamResponse | None:
    """Passes a client that comes back on to the gateway that has its stream, for as long as the connection lasts.

    Returns:
        None when that gateway has gone, or has no such stream any more; the client has had no answer yet then.
    """
    names = (RESUME_HEADER, "Authorization")
    headers = {name: request.headers[name] for name in names if name in request.headers}
    near: web.WebSocketResponse | None = None
    with suppress(aiohttp.WSServerHandshakeError, aiohttp.ClientConnectionError, TimeoutError):
        async with _connected(owner, headers) as far:
            near = web.WebSocketResponse(
                timeout=CLOSE_SECONDS, max_msg_size=message_bytes + 1, compress=False, autoping=False
            )
            await near.prepare(request)
            await _exchange(request, near, far)
    return near


@asynccontextmanager
async def _connected(owner: Path, headers: dict[str, str]) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """A connection that is cut in the end: only the client's own close frame ends its stream."""
    connector = aiohttp.UnixConnector(str(owner))
    async with aiohttp.ClientSession(connector=connector) as http:
        async with asyncio.timeout(_CONNECT_SECONDS):
            far = await http.ws_connect(f"http://gateway{RESUME_PATH}", headers=headers, max_msg_size=0, autoping=False)
        connection = far._response.connection  # noqa: SLF001  # aiohttp has no public way to it
        transport = None if connection is None else connection.transport
        try:
            yield far
        finally:
            if transport is not None:
                transport.abort()


async def _exchange(request: web.Request, near: web.WebSocketResponse, far: aiohttp.ClientWebSocketResponse) -> None:
    """Carries messages and signs of life both ways until one end closes or is cut; then does that to the other."""
    up, down = asyncio.create_task(_carry(near, far)), asyncio.create_task(_carry(far, near))
    await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
    over, other = (up, far) if up.done() else (down, near)
    # Nobody may be reading when a socket closes, or it will not wait for its peer's own close frame.
    for way in (up, down):
        way.cancel()
    await asyncio.gather(up, down, return_exceptions=True)
    code = None if over.cancelled() else over.result()
    if code is not None:
        await other.close(code=code)
    elif request.transport is not None:
        request.transport.abort()


async def _carry(
    origin: web.WebSocketResponse | aiohttp.ClientWebSocketResponse,
    target: web.WebSocketResponse | aiohttp.ClientWebSocketResponse,
) -> int | None:
    """Carries messages from one end to the other; the code with which the one has closed, None when it was cut."""
    with suppress(ConnectionError):
        while True:
            message = await origin.receive()
            match message.type:
                case WSMsgType.TEXT:
                    await target.send_str(message.data)
                case WSMsgType.BINARY:
                    await target.send_bytes(message.data)
                case WSMsgType.PING:
                    await target.ping(message.data)
                case WSMsgType.PONG:
                    await target.pong(message.data)
                case WSMsgType.CLOSE:
                    return int(message.data or aiohttp.WSCloseCode.OK)
                case _:
                    break
    return None

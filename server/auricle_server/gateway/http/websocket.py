"""The native WebSocket: a shell that feeds a `Session` and sends what comes of it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import time
from collections.abc import Iterable

from aiohttp import WSCloseCode, WSMessage, WSMsgType, web

from auricle.protocol import codes
from auricle_server.config import ServerConfig
from auricle_server.gateway.http.socket import Socket
from auricle_server.gateway.session.session import Session

log = logging.getLogger(__name__)

SIGN_OF_LIFE_SECONDS = 5.0
"""While a socket is not read, because the worker has no time for its stream, its client hears from it this often."""
_BURST = 32
_GONE = {WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED}


class WebSocketHandler:
    """One connection to `/v1/stream`.

    Args:
        request: The upgrade request.
        config: Of the server.

    Attributes:
        session: What is said; to be set before `run`.
        cut: Whether the connection has gone without a close frame of the client, which may then come back.
    """

    session: Session

    def __init__(self, request: web.Request, config: ServerConfig) -> None:
        self.cut = False
        self._request = request
        self._config = config
        self._socket = Socket(config.limits.message_bytes)
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._sending_since: float | None = None
        self._replaced = False

    def wake(self) -> None:
        """There is something to send, or room to receive."""
        self._news.set()
        self._room.set()

    async def run(self) -> web.StreamResponse:
        """Serves the connection until it closes."""
        await self._socket.prepare(self._request)
        await self._converse()
        return self._socket

    async def _converse(self) -> None:
        """Reads and writes until the client has gone or all is said, then closes."""
        tasks = reader, writer = asyncio.create_task(self._read()), asyncio.create_task(self._write())
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if self.session.done and not self._replaced:
                await asyncio.wait({writer})
        finally:
            # Nobody may be reading when the socket closes, or it will not wait for the client's own close frame.
            reader.cancel()
            writer.cancel()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        code = self._judge(outcomes)
        if code is not None:
            with contextlib.suppress(ConnectionError):
                await self._socket.finish(self._request, code)
            # Without the client's own close frame nobody knows whether the last words have come.
            self.cut |= self._socket.close_code in {None, WSCloseCode.ABNORMAL_CLOSURE}

    def _judge(self, outcomes: Iterable[BaseException | None]) -> int | None:
        """The code to close with; None when the client has gone."""
        for outcome in outcomes:
            if isinstance(outcome, Exception) and not isinstance(outcome, ConnectionError):
                log.error("shell failed session=%s", self.session.name, exc_info=outcome)
                return WSCloseCode.INTERNAL_ERROR
            self.cut |= isinstance(outcome, ConnectionError)
        return None if self.cut else self.session.close_code

    async def _read(self) -> None:
        """Feeds the session until the client goes or the conversation is over."""
        for count in itertools.count(1):
            if self.session.done:
                return
            if count % _BURST == 0:
                await asyncio.sleep(0)  # messages that have come already are read without waiting: let others in
            while not (self._replaced or self.session.has_room):
                await self._wait_for_room()
            message = await self._socket.receive()
            if message.type in _GONE:
                self.cut = message.type is not WSMsgType.CLOSE
                return
            if self._replaced:
                return  # the session is another shell's: what was still on its way here will be said again there
            await self._take(message)

    async def _wait_for_room(self) -> None:
        """Until something has changed. The client's pings lie unread meanwhile: it is told that the server lives."""
        self._room.clear()
        try:
            async with asyncio.timeout(SIGN_OF_LIFE_SECONDS):
                await self._room.wait()
        except TimeoutError:
            await self._socket.ping()

    async def _take(self, message: WSMessage) -> None:
        match message.type:
            case WSMsgType.BINARY:
                self.session.receive_binary(message.data)
            case WSMsgType.TEXT:
                self.session.receive_text(message.data)
            case WSMsgType.PING:
                self.session.touch()
                await self._socket.pong(message.data)
            case WSMsgType.PONG:
                self.session.touch()
            case _:
                self._on_bad_frame()

    def _on_bad_frame(self) -> None:
        if self._socket.fault == WSCloseCode.MESSAGE_TOO_BIG:
            most = self._config.limits.message_bytes
            self.session.fail(codes.MESSAGE_TOO_BIG, f"a message may have {most} bytes; send less at a time")
        elif self._socket.fault == WSCloseCode.INVALID_TEXT:
            self.session.fail(codes.BAD_JSON, "a text message must be UTF-8")
        else:
            self.session.fail(codes.UNKNOWN_MESSAGE, "these bytes are no WebSocket frame")

    async def _write(self) -> None:
        """The one exit for everything that is sent; returns when the conversation is over and all is sent."""
        while True:
            await self._news.wait()
            self._news.clear()
            while not self._replaced and (text := self.session.next_text()) is not None:
                await self._send(text)
            if self._replaced or self.session.done:
                self._sending_since = time.monotonic()
                return

    async def _send(self, text: str) -> None:
        self._sending_since = time.monotonic()
        await self._socket.send_str(text)
        self._sending_since = None
        self._room.set()

    def on_beat(self) -> None:
        """Once a second: ends a stream that is idle, and cuts off a client that does not read."""
        self.session.check_idle()
        since = self._sending_since
        if since is not None and time.monotonic() - since > self._config.stall_seconds:
            log.warning("client does not read session=%s", self.session.name)
            self.abort()

    def replace(self) -> None:
        """The client has come back on another connection: this one touches the session no more."""
        self._replaced = self.cut = True
        self.abort()
        self.wake()  # nobody else will: the session wakes the other one from now on

    def abort(self) -> None:
        """Cuts the connection without a word."""
        if self._request.transport is not None:
            self._request.transport.abort()

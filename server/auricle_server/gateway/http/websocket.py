"""A WebSocket: a shell that feeds a `Session` and sends what comes of it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import time
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from aiohttp import WSCloseCode, WSMessage, WSMsgType, web

from auricle.protocol import codes
from auricle.protocol.client_messages import RETURNS_CLOSE_CODE
from auricle_server.config import ServerConfig
from auricle_server.gateway.http.message_pace import MessagePace
from auricle_server.gateway.http.socket import Socket
from auricle_server.gateway.session.session import Session
from auricle_server.telemetry.log_context import request_context

log = logging.getLogger(__name__)

PING_SECONDS = 5.0
"""While a socket is not read, because the worker has no time for its stream, its client gets a ping this often."""
_BURST = 32
"""Messages of one connection that are read in a row before others get the event loop."""
_CLOSED = {WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED}


class WebSocketHandler:
    """One connection.

    Args:
        request: The upgrade request.
        config: Of the server.
        headers: Of the answer to it.
        subprotocol: Of the answer, when the client has offered it; empty for none.

    Attributes:
        session: What the connection carries; to be set before `run`.
        cut: Whether the connection has gone without a close frame of the client, or with one that says that it comes
            back: it may then resume the session.
    """

    session: Session

    def __init__(
        self,
        request: web.Request,
        config: ServerConfig,
        headers: Mapping[str, str] = MappingProxyType({}),
        subprotocol: str = "",
    ) -> None:
        self.cut = False
        self._request = request
        self._config = config
        self._socket = Socket(config.limits.message_bytes, (subprotocol,) if subprotocol else ())
        self._socket.headers.update(headers)
        self._output = asyncio.Event()
        """Set when there may be something to send."""
        self._input = asyncio.Event()
        """Set when the session may accept input again."""
        self._sending_since: float | None = None
        self._detached = False
        self._pace = MessagePace()
        self._context = request_context()

    def wake(self) -> None:
        """The session may have something to send, or accept input again."""
        # Half of all results bring no event: the writing task stays asleep then.
        if self.session.has_output:
            self._output.set()
        self._input.set()

    async def run(self) -> web.StreamResponse:
        """Serves the connection until it closes."""
        try:
            await self._socket.prepare(self._request)
        except ConnectionResetError:
            # While it waited for its slot. A session that it came back to is kept for its next attempt.
            self.cut = True
            return web.Response()
        await self._serve()
        return self._socket

    async def _serve(self) -> None:
        """Reads and writes until the client has gone or the session is done, then closes."""
        tasks = reader, writer = asyncio.create_task(self._read()), asyncio.create_task(self._write())
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if self.session.done and not self._detached:
                await asyncio.wait({writer})
        finally:
            # aiohttp's `close` waits for the client's close frame only while no other task reads from the socket.
            reader.cancel()
            writer.cancel()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        code = self._close_code(outcomes)
        if code is not None:
            with contextlib.suppress(ConnectionError):
                await self._socket.finish(self._request, code)
            # Without the client's own close frame it is not certain that the last events have reached it.
            self.cut |= self._socket.close_code in {None, WSCloseCode.ABNORMAL_CLOSURE, RETURNS_CLOSE_CODE}

    def _close_code(self, outcomes: Iterable[BaseException | None]) -> int | None:
        """The code to close with; None when the client has gone."""
        for outcome in outcomes:
            if isinstance(outcome, Exception) and not isinstance(outcome, ConnectionError):
                log.error("connection failed session=%s", self.session.name, exc_info=outcome)
                return WSCloseCode.INTERNAL_ERROR
            self.cut |= isinstance(outcome, ConnectionError)
        return None if self.cut else self.session.close_code

    async def _read(self) -> None:
        """Feeds the session until the client goes or the session is done."""
        session, receive, context = self.session, self._socket.receive, self._context
        for count in itertools.count(1):
            if session.done:
                return
            if count % _BURST == 0:
                await asyncio.sleep(0)  # `receive` returns buffered messages without yielding to other connections
            # Backpressure: what is not read fills the kernel's buffers, until TCP's window stops the client.
            while not (self._detached or session.accepts_input):
                await self._wait_for_session()
            message = await receive()
            if message.type is WSMsgType.BINARY and not self._detached:  # nearly all: no further step for them
                context.received_bytes += len(message.data)
                session.receive_binary(message.data)
                if len(message.data) < MessagePace.SMALL_BYTES:
                    await asyncio.sleep(self._pace.on_small())
                continue
            if message.type in _CLOSED:
                # aiohttp says CLOSED where TCP has ended without a close frame (1006 of RFC 6455, section 7.1.5).
                self.cut = message.type is not WSMsgType.CLOSE or message.data == RETURNS_CLOSE_CODE
                session.record.peer_close_code = self._socket.close_code or WSCloseCode.ABNORMAL_CLOSURE
                return
            if self._detached:
                return  # another connection has the session: the client sends there again what was on its way here
            await self._dispatch(message)

    async def _wait_for_session(self) -> None:
        """Until the session may accept input. The client's pings are not read meanwhile, so it gets one of ours."""
        self._input.clear()
        try:
            async with asyncio.timeout(PING_SECONDS):
                await self._input.wait()
        except TimeoutError:
            await self._socket.ping()

    async def _dispatch(self, message: WSMessage) -> None:
        match message.type:
            case WSMsgType.TEXT:
                self._context.received_bytes += len(message.data)
                updates, audio_texts = self.session.updates, self.session.audio_texts
                self.session.receive_text(message.data)
                is_update, has_audio = self.session.updates > updates, self.session.audio_texts > audio_texts
                characters = 0 if has_audio else len(message.data)
                await asyncio.sleep(self._pace.on_text(characters, is_update=is_update))
            case WSMsgType.PING:
                await self._socket.pong(message.data)
                await asyncio.sleep(self._pace.on_small())
            case WSMsgType.PONG:
                await asyncio.sleep(self._pace.on_small())
            case _:
                self._on_bad_frame()

    def _on_bad_frame(self) -> None:
        # RFC 6455: 1009 of section 7.4.1, 1007 of 8.1 for text that is no UTF-8; the rest, reserved bits for example
        # (5.2), is 1002.
        if self._socket.fault == WSCloseCode.MESSAGE_TOO_BIG:
            limit = self._config.limits.message_bytes
            self.session.fail(codes.MESSAGE_TOO_BIG, f"a message may have {limit} bytes; send less at a time")
        elif self._socket.fault == WSCloseCode.INVALID_TEXT:
            self.session.fail(codes.BAD_JSON, "a text message must be UTF-8")
        else:
            self.session.fail(codes.UNKNOWN_MESSAGE, "the bytes are not a WebSocket frame")

    async def _write(self) -> None:
        """Sends everything that is sent; returns when the session is done and its last text is sent."""
        while True:
            await self._output.wait()
            # Before the events are read: a `wake` that comes while one is being sent is not lost then.
            self._output.clear()
            while not self._detached and (text := self.session.next_text()) is not None:
                await self._send(text)
            if self._detached or self.session.done:
                # The stall clock goes on through the close handshake, which a client that does not read may hold up
                # too.
                self._sending_since = time.monotonic()
                return

    async def _send(self, text: str) -> None:
        self._sending_since = time.monotonic()
        self._context.sent_bytes += len(text)
        # Waits while the transport's buffer is full: that is how a client that does not read is noticed.
        await self._socket.send_str(text)
        self._sending_since = None
        self._input.set()

    def check_timeouts(self) -> None:
        """Once a second: ends an idle stream, and cuts the connection of a client that does not read."""
        self.session.check_idle()
        since = self._sending_since
        if since is not None and time.monotonic() - since > self._config.stall_seconds:
            log.warning("client does not read session=%s", self.session.name)
            self.abort()

    def detach(self) -> None:
        """The client has resumed the session on another connection: this one leaves it alone and closes."""
        self._detached = self.cut = True
        self.abort()
        self._output.set()  # the session wakes the other connection from now on
        self._input.set()

    def abort(self) -> None:
        """Cuts the connection without a close frame."""
        if self._request.transport is not None:
            self._request.transport.abort()

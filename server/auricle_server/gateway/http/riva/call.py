"""A call: a shell that feeds a `Session` with what the client sends, and sends what comes of it."""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable

from auricle.protocol import codes
from auricle_server.gateway.dialects.riva.dialect import END, RivaDialect
from auricle_server.gateway.dialects.riva.messages import Message
from auricle_server.gateway.errors import Refusal, refusal_of
from auricle_server.gateway.http.connections import until_served
from auricle_server.gateway.http.message_pace import MessagePace
from auricle_server.gateway.session.session import Session

log = logging.getLogger(__name__)

_BURST = 32
"""Messages of one call that are read in a row before others get the event loop."""


class RivaCall:
    """A call and its session; a `ConnectionHandler`.

    Args:
        dialect: Of the session.
        messages: What the client sends, as binary and text messages for the session; a refusal where it is neither.
        send: Sends a response; waits while the client does not read.
        stall_seconds: Longest time that one response may wait.
        message_bytes: Largest binary message.

    Attributes:
        session: What the call carries; to be set before `run`.
        cut: As `ConnectionHandler.cut`.
    """

    session: Session

    def __init__(
        self,
        dialect: RivaDialect,
        messages: AsyncIterator[bytes | str | Refusal],
        send: Callable[[Message], Awaitable[None]],
        stall_seconds: float,
        message_bytes: int,
    ) -> None:
        self.cut = False
        self._dialect = dialect
        self._messages = messages
        self._send = send
        self._stall_seconds = stall_seconds
        self._message_bytes = message_bytes
        self._output, self._input, self._aborted = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._sending_since: float | None = None

    def wake(self) -> None:
        """The session may have something to send, or accept input again."""
        if self.session.has_output:
            self._output.set()
        self._input.set()

    async def run(self) -> None:
        """Serves the call until all that the client has said is answered.

        Raises:
            Refusal: The stream has failed.
            ConnectionError: The server has cut the call.
        """
        try:
            await until_served(self._feed(), self._send_all(), self._aborted)
        except asyncio.CancelledError:
            self.cut = True  # gRPC cancels the calls of clients that have gone
            raise
        if self._aborted.is_set():
            raise ConnectionAbortedError("the server has cut the call")
        if self.session.failure is not None:
            raise refusal_of(self.session.failure)

    async def _feed(self) -> None:
        session, pace, count = self.session, MessagePace(), itertools.count(1)
        async for message in self._messages:
            # Backpressure: what is not read fills gRPC's window, which stops the client.
            while not session.accepts_input:
                self._input.clear()
                await self._input.wait()
            if session.done:
                return
            if isinstance(message, Refusal):
                session.fail(message.code, message.message)
                return
            if isinstance(message, str):
                session.receive_text(message)
            elif len(message) > self._message_bytes:
                limit = self._message_bytes
                session.fail(codes.MESSAGE_TOO_BIG, f"a message may have {limit} bytes of audio; send less at a time")
            else:
                session.receive_binary(message)
            if len(message) < MessagePace.SMALL_BYTES:
                await asyncio.sleep(pace.on_small())
            elif next(count) % _BURST == 0:
                await asyncio.sleep(0)
        session.receive_text(END)

    async def _send_all(self) -> None:
        responses = self._dialect.responses
        while True:
            await self._output.wait()
            # Before the events are read: a `wake` that comes while one is being sent is not lost then.
            self._output.clear()
            while self.session.next_text() is not None or responses:
                self._sending_since = time.monotonic()
                await self._send(responses.popleft())
                self._sending_since = None
            self._input.set()
            if self.session.done:
                return

    def check_timeouts(self) -> None:
        """Once a second: ends what is idle, and cuts the call of a client that does not read."""
        self.session.check_idle()
        since = self._sending_since
        if since is not None and time.monotonic() - since > self._stall_seconds:
            log.warning("client does not read session=%s", self.session.name)
            self.abort()

    def detach(self) -> None:
        """As `abort`: no other connection takes over."""
        self.abort()

    def abort(self) -> None:
        """Cuts the call."""
        self.cut = True
        self._aborted.set()

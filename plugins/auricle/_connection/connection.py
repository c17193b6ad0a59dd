"""One connection to a server: the sans-I/O client end on a WebSocket, from the first `Start` to the close."""

from __future__ import annotations

import asyncio
import ssl as tls
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import aiohttp

from auricle._connection.trace_context import TraceContext, trace_headers
from auricle._connection.transport import CloseFrame, Transport, open_transport, with_latency, with_model
from auricle.errors import (
    AuricleError,
    ConnectionFailed,
    ProtocolError,
    Refused,
    ServerFull,
    ServerRestarting,
    StreamFailed,
)
from auricle.events import VisibleEvent
from auricle.protocol import codes
from auricle.protocol.client_messages import RESUME_HEADER, Finalize, Outgoing, Start, Update
from auricle.protocol.codes import ProtocolViolation
from auricle.protocol.connection import ClientConnection
from auricle.protocol.server_messages import Error, Ready, ServerEvent, Settled

# RFC 6455, section 7.4.1. With the other codes, 1001 (going away) and 1011 (internal error) among them, another attempt
# may succeed; these blame the client, and the same messages would be refused again.
_NORMAL = 1000
_CLIENT_FAULT_CLOSES = {1002, 1003, 1007, 1008, 1009, 1010}


@dataclass(frozen=True, slots=True)
class Address:
    """How to reach a server.

    Attributes:
        url: Of its stream, see `stream_url`.
        headers: Of the upgrade request.
        ssl: Context for ``wss``; True checks certificates against the system's authorities.
        connect_timeout: Seconds for one attempt, up to `Ready`.
        heartbeat: Seconds without a message after which the server is pinged; None never pings.
        proxy: Of HTTP, through which it is reached; None for a direct connection.
    """

    url: str
    headers: Mapping[str, str]
    ssl: tls.SSLContext | bool
    connect_timeout: float
    heartbeat: float | None
    proxy: str | None = None


@dataclass(frozen=True, slots=True)
class ResumePoint:
    """How to resume the stream of a connection that broke.

    Attributes:
        address: Of its server.
        token: See `Ready.resume_token`.
        seq: Number of the last event received.
    """

    address: Address
    token: str
    seq: int


class Connection:
    """A connection on which the server has answered `Ready`.

    Attributes:
        address: Of the server.
        ready: Its answer.
    """

    def __init__(self, transport: Transport, protocol: ClientConnection, ready: Ready, address: Address) -> None:
        self._transport = transport
        self._protocol = protocol
        self._failure: ConnectionFailed | None = None
        self.ready = ready
        self.address = address

    @property
    def resume_point(self) -> ResumePoint | None:
        """How to resume the stream after a break; None when the server keeps no streams."""
        token = self.ready.resume_token
        return None if token is None else ResumePoint(self.address, token, self._protocol.seq)

    def resumed(self, unanswered: Collection[str], *, ended: bool) -> None:
        """The server continues a stream of an earlier connection; see `ClientConnection.resumed`."""
        self._protocol.resumed(unanswered, ended=ended)

    async def send(self, outgoing: Outgoing) -> None:
        """Sends audio or a message; waits while the socket is slow.

        Raises:
            ConnectionFailed: The connection is lost.
        """
        await self._transport.send(_encode(self._protocol, outgoing))

    async def receive(self) -> VisibleEvent | Settled | None:
        """The next event; None when the server has closed normally, after an end.

        Raises:
            AuricleError: The connection is lost, or the server failed the stream or broke the protocol.
        """
        try:
            event = await _receive(self._transport, self._protocol)
        except ConnectionFailed as error:
            raise self._failure or error from error
        if isinstance(event, Ready):
            raise ProtocolError(codes.UNEXPECTED_EVENT, "the server sent ready twice")
        return event

    async def close(self) -> None:
        """Closes the socket with a close frame; the server releases the stream."""
        await self._transport.close()

    def abort(self) -> None:
        """Drops the socket without a close frame; the server keeps the stream for a while."""
        self._transport.abort()

    def give_up(self, failure: ConnectionFailed) -> None:
        """Drops the socket; `receive` raises `failure`."""
        # The reader wakes by the abort, and would otherwise report an ordinary loss instead of the reason.
        self._failure = failure
        self._transport.abort()


async def open_connection(
    session: aiohttp.ClientSession,
    address: Address,
    start: Start,
    resume_point: ResumePoint | None = None,
    trace_context: TraceContext | None = None,
) -> Connection:
    """Connects, sends `start` and waits for `Ready`.

    Args:
        session: For the WebSocket.
        address: Of the server.
        start: Settings of the stream, where it is new.
        resume_point: Asks for that stream; `Ready.held` says whether the server still had it.
        trace_context: See `trace_headers`.

    Raises:
        AuricleError: As in `auricle.errors`.
    """
    resume = {} if resume_point is None else {RESUME_HEADER: f"{resume_point.token} {resume_point.seq}"}
    try:
        # One bound for TCP, TLS, upgrade and `Ready`: a server can accept a socket and then say nothing.
        async with asyncio.timeout(address.connect_timeout):
            transport = await open_transport(
                session,
                with_model(with_latency(address.url, start.latency_ms), start.model),
                headers={**trace_headers(trace_context), **address.headers, **resume},
                ssl=address.ssl,
                heartbeat=address.heartbeat,
                proxy=address.proxy,
            )
            return await _handshake(transport, start, address, resuming=resume_point is not None)
    except TimeoutError as error:
        message = f"{address.url} was not ready within {address.connect_timeout:g} s"
        raise ConnectionFailed("timeout", message) from error


async def _handshake(transport: Transport, start: Start, address: Address, *, resuming: bool) -> Connection:
    protocol = ClientConnection()
    ready: ServerEvent | None = None
    try:
        await transport.send(protocol.start(start))
        ready = await _receive(transport, protocol)
    finally:
        if not isinstance(ready, Ready):
            if resuming:
                transport.abort()  # a close frame would end the stream, and the next attempt may still resume it
            await transport.close()
    if not isinstance(ready, Ready):
        raise ProtocolError(codes.UNEXPECTED_EVENT, "the server closed before it was ready")
    return Connection(transport, protocol, ready, address)


async def _receive(transport: Transport, protocol: ClientConnection) -> ServerEvent | None:
    while True:
        received = await transport.receive()
        if isinstance(received, CloseFrame):
            # 1000 before our `End` does not mean that the stream is complete: its words are still owed.
            if received.code == _NORMAL and protocol.ended:
                return None
            raise _error_of_close(received)
        event = _decode(protocol, received)
        if isinstance(event, Error) and event.fatal:
            raise _error_of_event(event)
        if event is not None:
            return event


def _encode(protocol: ClientConnection, outgoing: Outgoing) -> str | bytes:
    match outgoing:
        case bytes():
            return protocol.audio(outgoing)
        case Update():
            return protocol.update(outgoing)
        case Finalize():
            return protocol.finalize(outgoing.id)
    return protocol.end()


def _decode(protocol: ClientConnection, text: str) -> ServerEvent | None:
    try:
        return protocol.receive_text(text)
    except ProtocolViolation as violation:
        raise ProtocolError(violation.code, f"the server: {violation.message}") from violation


def _error_of_event(event: Error) -> AuricleError:
    if event.code == codes.SERVER_FULL:
        return ServerFull(event.retry_after, event.message)
    if event.code == codes.RESTARTING:
        return ServerRestarting(event.code, event.retry_after, event.message)
    if event.code == codes.UNAUTHORIZED:
        return Refused(401, event.message)
    return StreamFailed(event.code, event.fault, event.message)


def _error_of_close(frame: CloseFrame) -> AuricleError:
    message = f"the server closed the connection ({frame.code}{': ' if frame.reason else ''}{frame.reason})"
    if frame.code in _CLIENT_FAULT_CLOSES:
        return ProtocolError(codes.UNEXPECTED_EVENT, message)
    return ConnectionFailed("lost", message)

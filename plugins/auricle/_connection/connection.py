"""One connection to a server: the sans-I/O client end on a wire, from the first `Start` to the close."""

from __future__ import annotations

import asyncio
import ssl as tls
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import aiohttp

from auricle._connection import transport
from auricle._stream.event_merger import VisibleEvent
from auricle._stream.replay_buffer import Outgoing
from auricle.errors import AuricleError, ConnectionFailed, ProtocolError, Refused, ServerFull, StreamFailed
from auricle.protocol import codes
from auricle.protocol.client_messages import RESUME_HEADER, Finalize, Start, Update
from auricle.protocol.codes import ProtocolViolation
from auricle.protocol.connection import ClientConnection
from auricle.protocol.server_messages import Error, Ready, ServerEvent, Settled

_NORMAL = 1000
_CLIENT_FAULT_CLOSES = {1002, 1003, 1007, 1008, 1009, 1010}


@dataclass(frozen=True, slots=True)
class Address:
    """How to reach a server."""

    url: str
    headers: Mapping[str, str]
    ssl: tls.SSLContext | bool
    connect_timeout: float
    heartbeat: float | None


@dataclass(frozen=True, slots=True)
class ResumePoint:
    """How to come back to the stream of a connection that was cut.

    Attributes:
        address: Of its server.
        token: See `Ready.resume_token`.
        seq: Number of the last event that came.
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

    def __init__(self, wire: transport.Transport, connection: ClientConnection, ready: Ready, address: Address) -> None:
        self._wire = wire
        self._connection = connection
        self._failure: ConnectionFailed | None = None
        self.ready = ready
        self.address = address

    @property
    def resume_point(self) -> ResumePoint | None:
        """How to come back here after a cut; None when the server keeps no streams."""
        token = self.ready.resume_token
        return None if token is None else ResumePoint(self.address, token, self._connection.seq)

    def resumed(self, asked: Collection[str], *, ended: bool) -> None:
        """The server goes on with a stream of an earlier connection; see `ClientConnection.resumed`."""
        self._connection.resumed(asked, ended=ended)

    async def send(self, said: Outgoing) -> None:
        """Sends audio or a message; waits while the socket is slow.

        Raises:
            ConnectionFailed: The connection is lost.
        """
        await self._wire.send(_encoded(self._connection, said))

    async def receive(self) -> VisibleEvent | Settled | None:
        """The next event; None when the server has closed as it should, after an end.

        Raises:
            AuricleError: The connection is lost, or the server failed the stream or broke the protocol.
        """
        try:
            event = await _receive(self._wire, self._connection)
        except ConnectionFailed as error:
            raise self._failure or error from error
        if isinstance(event, Ready):
            raise ProtocolError(codes.UNEXPECTED_EVENT, "the server was ready twice")
        return event

    async def close(self) -> None:
        """Closes the socket; the server lets go of the stream."""
        await self._wire.close()

    def cut(self) -> None:
        """Drops the socket; the server keeps the stream for a while."""
        self._wire.cut()

    def give_up(self, failure: ConnectionFailed) -> None:
        """The connection is of no use any more: whoever hears next gets `failure`."""
        self._failure = failure
        self._wire.cut()


async def open_connection(
    session: aiohttp.ClientSession, address: Address, start: Start, back: ResumePoint | None = None
) -> Connection:
    """Connects, says `start` and waits for `Ready`.

    Args:
        session: For the WebSocket.
        address: Of the server.
        start: How the stream is to be.
        back: Asks for the stream that it tells of; `Ready.held` says whether the server still had it.

    Raises:
        AuricleError: As in `auricle.errors`.
    """
    try:
        async with asyncio.timeout(address.connect_timeout):
            url = transport.with_latency(address.url, start.latency_ms)
            resume = {} if back is None else {RESUME_HEADER: f"{back.token} {back.seq}"}
            headers = {**address.headers, **resume}
            wire = await transport.open_transport(
                session, url, headers=headers, ssl=address.ssl, heartbeat=address.heartbeat
            )
            return await _greet(wire, start, address, returning=back is not None)
    except TimeoutError as error:
        message = f"{address.url} was not ready within {address.connect_timeout:g} s"
        raise ConnectionFailed("timeout", message) from error


async def _greet(wire: transport.Transport, start: Start, address: Address, *, returning: bool) -> Connection:
    connection = ClientConnection()
    ready: ServerEvent | None = None
    try:
        await wire.send(connection.start(start))
        ready = await _receive(wire, connection)
    finally:
        if not isinstance(ready, Ready):
            if returning:
                wire.cut()  # a farewell would end the stream, and the next attempt may still get it
            await wire.close()
    if not isinstance(ready, Ready):
        raise ProtocolError(codes.UNEXPECTED_EVENT, "the server closed before it was ready")
    return Connection(wire, connection, ready, address)


async def _receive(wire: transport.Transport, connection: ClientConnection) -> ServerEvent | None:
    while True:
        received = await wire.receive()
        if isinstance(received, transport.CloseFrame):
            if received.code == _NORMAL and connection.ended:
                return None
            raise _error_of_close(received)
        event = _decoded(connection, received)
        if isinstance(event, Error) and event.fatal:
            raise _error_of_event(event)
        if event is not None:
            return event


def _encoded(connection: ClientConnection, said: Outgoing) -> str | bytes:
    match said:
        case bytes():
            return connection.audio(said)
        case Update():
            return connection.update(said)
        case Finalize():
            return connection.finalize(said.id)
    return connection.end()


def _decoded(connection: ClientConnection, text: str) -> ServerEvent | None:
    try:
        return connection.receive_text(text)
    except ProtocolViolation as violation:
        raise ProtocolError(violation.code, f"the server: {violation.message}") from violation


def _error_of_event(event: Error) -> AuricleError:
    if event.code == codes.SERVER_FULL:
        return ServerFull(why=event.message)
    if event.code == codes.UNAUTHORIZED:
        return Refused(401, event.message)
    return StreamFailed(event.code, event.fault, event.message)


def _error_of_close(closed: transport.CloseFrame) -> AuricleError:
    said = f"the server closed the connection ({closed.code}{': ' if closed.reason else ''}{closed.reason})"
    if closed.code in _CLIENT_FAULT_CLOSES:
        return ProtocolError(codes.UNEXPECTED_EVENT, said)
    return ConnectionFailed("lost", said)

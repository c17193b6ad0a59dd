"""Finds a connection for a stream: to the server that had it, or to any that accepts it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace

import aiohttp

from auricle._connection.connection import Address, Connection, ResumePoint, open_connection
from auricle._connection.servers import Servers, most_telling
from auricle._connection.trace_context import TraceContext
from auricle.errors import AuricleError, ConnectionFailed, StreamFailed
from auricle.protocol import codes
from auricle.protocol.audio_positions import Held
from auricle.protocol.client_messages import Start

_KEYTERMS_REFUSED = {codes.UNSUPPORTED_KEYTERMS, codes.INVALID_KEYTERMS}


class Connector:
    """Opens one stream's connections.

    Args:
        session: For the WebSockets.
        servers: Where to connect.
        trace_context: Of each connection; None takes that of the running task.
    """

    def __init__(
        self, session: aiohttp.ClientSession, servers: Servers, trace_context: TraceContext | None = None
    ) -> None:
        self._trace_context = trace_context
        self._session = session
        self._servers = servers
        # Until a server has accepted the stream, refused key terms are the caller's mistake and are reported.
        self._accepted = False

    async def connect(self, start: Start) -> Connection:
        """A connection to the first server that accepts the stream, as a new one.

        Raises:
            AuricleError: None does: the most telling of the servers' errors.
        """
        return await self._connect_any(start, self._servers.in_order(_now()))

    async def reconnect(
        self, start: Start, resume_point: ResumePoint, can_resume: Callable[[Held], bool]
    ) -> Connection:
        """A connection to the server that had the stream and may still have it; to another if it cannot be reached.

        Args:
            start: Settings of the stream, wherever it is new.
            resume_point: The server and its stream.
            can_resume: Whether the client still holds what a server lacks that holds so much.

        Raises:
            AuricleError: No attempt succeeded; a later one may still resume the stream.
        """
        address = resume_point.address
        try:
            connection = await self._open(address, start, resume_point)
        except AuricleError as error:
            self._servers.failed(address, error, _now())
            others = [other for other in self._servers.in_order(_now()) if other != address]
            # "lost": a WebSocket was opened and then broke, so the server is there and may still have the stream.
            if not others or (isinstance(error, ConnectionFailed) and error.reason == "lost"):
                raise
            return await self._connect_any(start, others, error)
        self._servers.worked(address)
        if connection.ready.held is None or can_resume(connection.ready.held):
            return connection
        # What the server lacks is no longer here, so its stream is of no use; the close frame frees the slot for a new
        # one.
        await connection.close()
        return await self._connect_any(start, [address])

    def ended(self, connection: Connection, error: AuricleError) -> None:
        """A server has ended the stream; unless only its time was over, the others come first for a while."""
        if not (isinstance(error, StreamFailed) and error.expired):
            self._servers.failed(connection.address, error, _now())

    async def _connect_any(self, start: Start, addresses: Iterable[Address], *earlier: AuricleError) -> Connection:
        errors = [*earlier]
        for address in addresses:
            try:
                connection = await self._open(address, start)
            except AuricleError as error:
                self._servers.failed(address, error, _now())
                errors.append(error)
            else:
                self._servers.worked(address)
                self._accepted = True
                return connection
        raise most_telling(errors)

    async def _open(self, address: Address, start: Start, resume_point: ResumePoint | None = None) -> Connection:
        """Opens a connection; a running stream goes on without its key terms where the next server refuses them."""
        trace_context = self._trace_context
        try:
            return await open_connection(self._session, address, start, resume_point, trace_context)
        except StreamFailed as error:
            if not (self._accepted and start.keyterms and error.code in _KEYTERMS_REFUSED):
                raise
            return await open_connection(
                self._session, address, replace(start, keyterms=()), trace_context=trace_context
            )


def _now() -> float:
    return asyncio.get_running_loop().time()

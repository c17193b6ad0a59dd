"""Finds a connection for a stream: with the server that had it, or with any that will have it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace

import aiohttp

from auricle._connection.connection import Address, Connection, ResumePoint, open_connection
from auricle._connection.servers import Servers, weightiest
from auricle.errors import AuricleError, ConnectionFailed, StreamFailed
from auricle.protocol import codes
from auricle.protocol.client_messages import Start
from auricle.protocol.server_messages import Held

_KEYTERMS_REFUSED = {codes.UNSUPPORTED_KEYTERMS, codes.INVALID_KEYTERMS}


class Connector:
    """Opens one stream's connections.

    Args:
        session: For the WebSockets.
        servers: Where to connect.
    """

    def __init__(self, session: aiohttp.ClientSession, servers: Servers) -> None:
        self._session = session
        self._servers = servers
        self._begun = False

    async def connect(self, start: Start) -> Connection:
        """A connection to the first server that will have the stream, as a new one.

        Raises:
            AuricleError: None will: the weightiest error of all.
        """
        return await self._any(start, self._servers.in_order(_now()))

    async def reconnect(self, start: Start, back: ResumePoint, can_resume: Callable[[Held], bool]) -> Connection:
        """A connection to the server that had the stream, which may have it still; to another if it cannot be reached.

        Args:
            start: How the stream is to be, wherever it is new.
            back: To where, and to which stream.
            can_resume: Whether all that a server lacks which holds so much can still be said.

        Raises:
            AuricleError: None was to be had; the next attempt may come back all the same.
        """
        try:
            link = await self._open(back.address, start, back)
        except AuricleError as error:
            self._servers.failed(back.address, error, _now())
            others = [address for address in self._servers.in_order(_now()) if address != back.address]
            # A connection that broke while it was being opened says that the server is there.
            if not others or (isinstance(error, ConnectionFailed) and error.reason == "lost"):
                raise
            return await self._any(start, others, error)
        self._servers.worked(back.address)
        if link.ready.held is None or can_resume(link.ready.held):
            return link
        await link.close()
        return await self._any(start, [back.address])

    def ended(self, link: Connection, error: AuricleError) -> None:
        """A server has ended the stream; unless its time was merely over, others come first for a while."""
        if not (isinstance(error, StreamFailed) and error.expired):
            self._servers.failed(link.address, error, _now())

    async def _any(self, start: Start, addresses: Iterable[Address], *before: AuricleError) -> Connection:
        errors = [*before]
        for address in addresses:
            try:
                link = await self._open(address, start)
            except AuricleError as error:
                self._servers.failed(address, error, _now())
                errors.append(error)
            else:
                self._servers.worked(address)
                self._begun = True
                return link
        raise weightiest(errors)

    async def _open(self, address: Address, start: Start, back: ResumePoint | None = None) -> Connection:
        """Key terms that one server took and the next one does not are no reason to end a stream that is under way."""
        try:
            return await open_connection(self._session, address, start, back)
        except StreamFailed as error:
            if not (self._begun and start.keyterms and error.code in _KEYTERMS_REFUSED):
                raise
            return await open_connection(self._session, address, replace(start, keyterms=()))


def _now() -> float:
    return asyncio.get_running_loop().time()

"""The sockets at which a gateway listens, and what it accepts there.

asyncio and uvloop can accept by themselves. But asyncio stops for a second when the process has no descriptor left,
uvloop then drops whatever comes, and neither shows a connection before its TLS is negotiated.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import ssl as tls
from contextlib import suppress
from typing import Any

from aiohttp import web

from auricle_server.config import ServerConfig
from auricle_server.gateway.listening.closures import LOG_SECONDS, Closures
from auricle_server.gateway.listening.descriptors import is_scarce
from auricle_server.gateway.listening.http_connection import ConnectionRules, HttpConnection
from auricle_server.gateway.listening.pending_connections import PendingConnections, client_address
from auricle_server.telemetry.metrics import Metrics

log = logging.getLogger(__name__)

_BACKLOG = 1024
"""Connections that may wait to be accepted. Linux bounds it by `net.core.somaxconn`, 4096 since version 5.4."""
_BURST = 64
"""Connections accepted in a row, before those that are accepted are read."""
_PAUSE_SECONDS = 0.1
_SSL_SHUTDOWN_SECONDS = 2.0
"""For the client's answer to the end of TLS; asyncio alone waits half a minute, and the descriptor with it."""


class Listener:
    """Listens for clients.

    Args:
        server: aiohttp's, whose routes answer.
        config: How long a client may take for a request, and how many may wait.
        metrics: Of the gateway.
        ssl: For TLS; None for plain connections.
    """

    def __init__(
        self, server: web.Server, config: ServerConfig, metrics: Metrics, ssl: tls.SSLContext | None = None
    ) -> None:
        self._server = server
        self._ssl = ssl
        self._header_seconds = seconds = config.header_seconds
        most, most_of_address = config.max_connections, config.max_connections_per_address
        self._pending = PendingConnections[HttpConnection](most, most_of_address)
        self._closures = Closures(metrics)
        self._rules = ConnectionRules(seconds, self._pending, self._closures, metrics, config.telemetry.access_log)
        self._sockets: list[socket.socket] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._next_complaint = 0.0

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._sockets[0].getsockname()[1])

    async def start(self, host: str, port: int, *, reuse_port: bool = False) -> None:
        """Listens at every address of `host`; port 0 takes a free one.

        Raises:
            OSError: None of the addresses is one of this machine, or another server listens there.
        """
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        failure: OSError | None = None
        for family, _, _, _, address in dict.fromkeys(found):
            bound = self.port if self._sockets else port
            try:
                self._sockets.append(_listening_socket(family, (address[0], bound, *address[2:]), reuse_port))
            except OSError as error:
                if error.errno not in {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}:
                    self.close()
                    raise
                failure = error  # "localhost" may name an IPv6 address on a machine without IPv6
        if failure is not None and not self._sockets:
            raise failure
        for each in self._sockets:
            loop.add_reader(each, self._accept, each)

    def close(self) -> None:
        """Listens no more, and cuts what has not sent a request."""
        self.stop_listening()
        for connection in self._pending:
            connection.end()
        self._closures.close()

    def stop_listening(self) -> None:
        """Leaves the port to others; connections go on."""
        loop = asyncio.get_running_loop()
        for each in self._sockets:
            loop.remove_reader(each)
            each.close()
        self._sockets.clear()

    # --- a connection ------------------------------------------------------------------------------------------------

    def _accept(self, listening: socket.socket) -> None:
        for _ in range(_BURST):
            try:
                accepted, peer = listening.accept()
            except (BlockingIOError, InterruptedError):
                return
            except ConnectionAbortedError:
                continue  # the client has gone before it was accepted
            except OSError as error:
                self._on_failure(listening, error)
                return
            scarce = is_scarce(accepted.fileno())
            if scarce:
                self._rules.make_room()
            self._begin(accepted, peer)
            if scarce:
                return  # the rest waits: those that give way are closed once the event loop has its turn

    def _begin(self, accepted: socket.socket, peer: Any) -> None:
        accepted.setblocking(False)
        connection = HttpConnection(self._server, self._rules, accepted, client_address(peer[0]))
        connection.wait_for_request()
        task = asyncio.get_running_loop().create_task(self._connect(accepted, connection))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(self, accepted: socket.socket, connection: HttpConnection) -> None:
        loop = asyncio.get_running_loop()
        options: dict[str, Any] = {}
        if self._ssl is not None:
            options = {"ssl": self._ssl, "ssl_handshake_timeout": self._header_seconds}
            options["ssl_shutdown_timeout"] = _SSL_SHUTDOWN_SECONDS
        try:
            await loop.connect_accepted_socket(lambda: connection, accepted, **options)
        except OSError as error:  # `ssl.SSLError` is one
            connection.fail_to_connect(error)

    def _on_failure(self, listening: socket.socket, error: OSError) -> None:
        """There is a connection, and none can be accepted: another one goes, or the next try has to wait."""
        loop = asyncio.get_running_loop()
        if loop.time() >= self._next_complaint:
            self._next_complaint = loop.time() + LOG_SECONDS
            log.error("cannot accept connections: %s; trying again every %g s", error.strerror, _PAUSE_SECONDS)
        self._rules.make_room()
        loop.remove_reader(listening)
        loop.call_later(_PAUSE_SECONDS, self._resume, listening)

    def _resume(self, listening: socket.socket) -> None:
        if listening in self._sockets:
            asyncio.get_running_loop().add_reader(listening, self._accept, listening)


def _listening_socket(family: int, address: tuple[Any, ...], reuse_port: bool) -> socket.socket:
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if reuse_port:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            # The IPv4 address is another of the host's addresses, with a socket of its own.
            with suppress(OSError):
                bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind(address)
        bound.listen(_BACKLOG)
        bound.setblocking(False)
    except OSError:
        bound.close()
        raise
    return bound

"""One connection, from its acceptance on: aiohttp's HTTP protocol with a deadline for requests and without tracebacks.

aiohttp waits an hour for a request, buffers headers of a megabyte and logs a traceback for each request that is no
HTTP. Here a connection that waits for a request is *pending*: it has some seconds, whatever it drips in meanwhile, and
gives way when there are too many (`PendingConnections`). It is pending again after each answer, until it has read that.
"""

from __future__ import annotations

import asyncio
import json
import socket
import ssl as tls
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from aiohttp import StreamReader, web
from aiohttp.http_exceptions import HttpProcessingError

from auricle_server.gateway.listening.access_log import RequestLog
from auricle_server.gateway.listening.closures import Closures, Reason
from auricle_server.gateway.listening.descriptors import are_scarce
from auricle_server.gateway.listening.pending_connections import PendingConnections
from auricle_server.telemetry.metrics import Metrics
from auricle_server.telemetry.stream_record import access_log

SERVER_NAME = "auricle"
"""The `Server` header: aiohttp's names the versions of Python and of itself."""
MAX_HEAD_BYTES = 32_768
"""Bytes of one request line and its headers. aiohttp bounds each header, but lets 128 of 8 kB come."""
_SHED = 8
"""Connections that go at once when descriptors are scarce."""
_LINGER_SECONDS = 1.0
"""For a body that no route reads, and for a client to take the answer to half a request."""


@dataclass(frozen=True, slots=True)
class ConnectionRules:
    """What the connections of a gateway share.

    Attributes:
        header_seconds: Time for one request.
        pending: Those that wait for one.
        closures: Those that are closed before they are streams.
        metrics: Of the gateway.
        access_log: Whether each request gets a line.
    """

    header_seconds: float
    pending: PendingConnections[HttpConnection]
    closures: Closures
    metrics: Metrics
    access_log: bool = False

    def make_room(self) -> bool:
        """Frees descriptors; False when no connection is left to give way.

        More than one goes, as others come before these are closed.
        """
        for freed in range(_SHED):
            oldest = self.pending.oldest()
            if oldest is None:
                return freed > 0
            oldest.cut("descriptors")
        return True


def has_room(request: web.Request) -> bool:
    """Whether a descriptor is left for a stream; connections that wait for a request give way to one that has come."""
    if not are_scarce():
        return True
    connection = request.protocol
    return isinstance(connection, HttpConnection) and connection.make_room()


class HttpConnection(web.RequestHandler):
    """A connection of a client.

    Args:
        server: aiohttp's, whose routes answer.
        rules: Of the gateway.
        accepted: The client's socket.
        address: Of the client.
    """

    __slots__ = ("_accepted", "_address", "_body", "_deadline", "_head_bytes", "_parsed", "_rules")

    def __init__(self, server: web.Server, rules: ConnectionRules, accepted: socket.socket, address: str) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            access_log_class=RequestLog,
            access_log=access_log if rules.access_log else None,  # type: ignore[arg-type]  # as aiohttp's own runner
            lingering_time=_LINGER_SECONDS,
            auto_decompress=False,  # what a client sends is never unpacked: a few bytes could become gigabytes
        )
        self._rules = rules
        self._accepted = accepted
        self._address = address
        self._deadline: asyncio.TimerHandle | None = None
        self._head_bytes = self._parsed = 0
        self._body: StreamReader | None = None
        """Of the request that was answered last: bytes that come before its end are no request."""

    # --- between requests --------------------------------------------------------------------------------------------

    def wait_for_request(self, body: StreamReader | None = None) -> None:
        """From here on the client has some seconds for a request.

        Args:
            body: Of the request before, which may not have come to its end.
        """
        rules = self._rules
        self._body = body
        self._head_bytes, self._parsed = 0, self._request_count
        self._deadline = asyncio.get_running_loop().call_later(rules.header_seconds, self._on_deadline)
        displaced = rules.pending.add(self, self._address)
        rules.metrics.connections_waiting.set(len(rules.pending))
        if displaced is not None:
            other, reason = displaced
            other.cut(reason)

    def stop_waiting(self) -> None:
        """A request has come, or the connection has gone."""
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
            self._rules.pending.discard(self)
            self._rules.metrics.connections_waiting.set(len(self._rules.pending))

    def make_room(self) -> bool:
        """See `ConnectionRules.make_room`."""
        return self._rules.make_room()

    def cut(self, reason: Reason) -> None:
        """Closes the connection at once."""
        self._rules.closures.add(reason, self._address)
        self.end()

    def end(self) -> None:
        """Closes the connection at once, without counting it: the server shuts down."""
        self.stop_waiting()
        if self.transport is not None:
            self.transport.abort()
        else:
            # No transport yet, or TLS is being negotiated: the event loop has the socket, and sees its end.
            with suppress(OSError):
                self._accepted.shutdown(socket.SHUT_RDWR)

    def fail_to_connect(self, error: OSError) -> None:
        """TLS has failed, or the client has gone before the connection was made."""
        gone = (tls.SSLEOFError, tls.SSLZeroReturnError)  # such as a load balancer that only tries the port
        if self._deadline is not None and isinstance(error, tls.SSLError) and not isinstance(error, gone):
            self._rules.closures.add("tls", self._address)
        self.stop_waiting()

    def _on_deadline(self) -> None:
        transport = self.transport
        if transport is None or transport.get_write_buffer_size():
            self.cut("slow")  # TLS takes too long, or the client does not read the last answer
        elif self._head_bytes:
            message = f"no whole request came in {self._rules.header_seconds:g} s; send it at once"
            self._refuse("slow", HTTPStatus.REQUEST_TIMEOUT, "request_timeout", message)
        elif self._request_count:
            transport.abort()  # an idle connection between two requests: its time is up, and nothing is wrong
        else:
            self.cut("slow")

    def _refuse(self, reason: Reason, status: HTTPStatus, code: str, message: str) -> None:
        """Answers what is no whole request, and closes."""
        transport = self.transport
        self.stop_waiting()
        self._rules.closures.add(reason, self._address)
        if transport is not None:
            body = json.dumps({"code": code, "message": message})
            # RFC 9110, section 15.5.9: the server closes such a connection.
            head = f"HTTP/1.1 {status.value} {status.phrase}\r\nServer: {SERVER_NAME}\r\nConnection: close\r\n"
            kind = f"Content-Type: application/json; charset=utf-8\r\nContent-Length: {len(body)}\r\n\r\n"
            transport.write(f"{head}{kind}{body}".encode())
            transport.close()
            # `close` alone waits until the client has read the answer.
            asyncio.get_running_loop().call_later(_LINGER_SECONDS, transport.abort)

    # --- as aiohttp calls them ---------------------------------------------------------------------------------------

    def connection_lost(self, exc: BaseException | None) -> None:
        """The connection has gone."""
        self.stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes have come: of a request, or of a stream."""
        if self._deadline is None:  # nearly always: a stream, or a recording
            super().data_received(data)
            return
        within_body = self._body is not None and not self._body.is_eof()
        super().data_received(data)
        if self._request_count > self._parsed:
            self._head_bytes = 0  # a request has come, and what follows is its body, until its route stops the waiting
        elif not within_body:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                message = f"a request may have {MAX_HEAD_BYTES} bytes of headers; send fewer"
                status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
                self._refuse("large", status, "headers_too_large", message)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The answer to what is no HTTP; a fault of a route is left to aiohttp, which logs its traceback.

        Raises:
            ConnectionError: The client has gone, and nothing is to be answered.
        """
        if isinstance(exc, ConnectionError) and (self.transport is None or self.transport.is_closing()):
            raise ConnectionError("the client has gone") from exc
        if not isinstance(exc, HttpProcessingError):
            return super().handle_error(request, status, exc, message)
        self._rules.closures.add("malformed", self._address)
        # aiohttp's own message repeats what came.
        body = {"code": "bad_request", "message": "this is not an HTTP request that the server can read"}
        # A route that meets it in a body is no fault of the server's.
        status = exc.code if status >= HTTPStatus.INTERNAL_SERVER_ERROR else status
        response = web.json_response(body, status=status, headers={"Server": SERVER_NAME})
        response.force_close()
        return response

    def log_exception(self, *args: Any, **kwargs: Any) -> None:
        """Logs a fault of the server with its traceback, and counts a client's."""
        if isinstance(kwargs.get("exc_info"), (HttpProcessingError, web.RequestPayloadError)):
            self._rules.closures.add("malformed", self._address)
        else:
            super().log_exception(*args, **kwargs)

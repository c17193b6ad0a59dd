"""One WebSocket of aiohttp: opened, written, read and closed, with every failure as an `AuricleError`."""

from __future__ import annotations

import asyncio
import ssl as tls
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import quote, urlsplit, urlunsplit

import aiohttp

from auricle.errors import AuricleError, ConnectionFailed, ProtocolError, Refused, ServerFull, ServerRestarting
from auricle.protocol import codes
from auricle.protocol.codes import ERROR_HEADER

STREAM_PATH = "/v1/stream"
_SCHEMES = {"ws": "ws", "wss": "wss", "http": "ws", "https": "wss"}
# For the answer to our close frame (RFC 6455, section 7.1.2). aiohttp alone waits ten seconds, and a peer that is gone
# never answers.
_CLOSE_SECONDS = 1.0
# aiohttp reports a close frame without a code as 0. RFC 6455, section 7.1.5, calls that 1005; like 1006 it blames
# nobody, so the stream is connected again.
_ABNORMAL = 1006
_RESTARTS = {codes.RESTARTING, codes.SHUTTING_DOWN}
# RFC 9110: the client lacks a password for the proxy (407), or the proxy forbids this server (401, 403, 405).
_PROXY_REFUSALS = {401, 403, 405, 407}
_LONGEST_REASON = 300
"""Characters of a server's sentence that an error repeats."""


def stream_url(url: str, name: str = "url") -> str:
    """The WebSocket address of the server at `url`; `STREAM_PATH` is added when it is missing.

    Args:
        url: ``ws://host:port`` (or wss, http, https).
        name: Of the option or variable that holds it, for the error.

    Raises:
        ValueError: The url has another form, or blanks.
    """
    # Before it is taken apart: `urlsplit` drops some blanks and keeps others in the name of the host.
    if any(each.isspace() or not each.isprintable() for each in url):
        raise ValueError(f"{name}: the address has blanks or line breaks around it or in it; remove them: {url!r}")
    problem = f"{name}: expected an address like ws://host:8765, got {url!r}"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:  # brackets without an address in them, or a port that is no number up to 65535
        raise ValueError(problem) from error
    if parts.scheme not in _SCHEMES or not parts.hostname or port == 0:
        raise ValueError(problem)
    path = parts.path.rstrip("/")
    if not path.endswith(STREAM_PATH):
        path += STREAM_PATH
    return urlunsplit((_SCHEMES[parts.scheme], parts.netloc, path, parts.query, ""))


def with_latency(url: str, latency_ms: int | None) -> str:
    """The same address with the latency that the `Start` will ask for.

    A short latency costs a server more time than a long one, so a busy server may accept only the latter; with the
    latency in the url it can refuse the stream before the upgrade.
    """
    return url if latency_ms is None else _with_parameter(url, "latency_ms", str(latency_ms))


def with_model(url: str, model: str | None) -> str:
    """The same address with the model that the `Start` will ask for, so that its slot is one of that model's."""
    return url if model is None else _with_parameter(url, "model", quote(model, safe=""))


def _with_parameter(url: str, name: str, value: str) -> str:
    parts = urlsplit(url)
    query = f"{parts.query}&{name}={value}" if parts.query else f"{name}={value}"
    return urlunsplit(parts._replace(query=query))


@dataclass(frozen=True, slots=True)
class CloseFrame:
    """The server's close frame."""

    code: int
    reason: str


class Transport:
    """An open WebSocket."""

    def __init__(self, websocket: aiohttp.ClientWebSocketResponse) -> None:
        self._websocket = websocket
        # aiohttp has no public access to the transport. It is taken now because aiohttp drops it on releasing the
        # connection, and `abort` must work after that too.
        connection = websocket._response.connection  # noqa: SLF001
        self._transport = None if connection is None else connection.transport

    async def send(self, data: str | bytes) -> None:
        """Sends a message; waits while the socket is slow.

        Raises:
            ConnectionFailed: The connection is lost.
        """
        try:
            if isinstance(data, str):
                await self._websocket.send_str(data)
            else:
                await self._websocket.send_bytes(data)
        except (aiohttp.ClientError, OSError) as error:
            raise _lost(error) from error

    async def receive(self) -> str | CloseFrame:
        """The next text message, or how the server closed.

        Raises:
            ConnectionFailed: The connection is lost.
            ProtocolError: The server sent a binary message.
        """
        # aiohttp answers pings in here, so whoever stops reading stops answering them too.
        message = await self._websocket.receive()
        match message.type:
            case aiohttp.WSMsgType.TEXT:
                return str(message.data)
            case aiohttp.WSMsgType.CLOSE:
                return CloseFrame(message.data or _ABNORMAL, message.extra or "")
            case aiohttp.WSMsgType.BINARY:
                raise ProtocolError(codes.UNEXPECTED_EVENT, "the server sent binary data")
            case _:
                # aiohttp reports an end without a close frame as CLOSED with code 1000, so the code means nothing here.
                raise _lost(self._websocket.exception())

    async def close(self) -> None:
        """Closes with a close frame, and aborts after a second without an answer."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self._websocket.close()
        self.abort()

    def abort(self) -> None:
        """Ends the connection at once, without a close frame, which would end the stream on the server.

        After a `close` that was not answered this frees the socket: a peer that does not read would keep it, and the
        data in its buffer, alive without limit.
        """
        if self._transport is not None:
            self._transport.abort()


async def open_transport(
    session: aiohttp.ClientSession,
    url: str,
    *,
    headers: Mapping[str, str],
    ssl: tls.SSLContext | bool,
    heartbeat: float | None,
    proxy: str | None = None,
) -> Transport:
    """Opens a WebSocket, through an HTTP proxy where one is given.

    Raises:
        ConnectionFailed: No server answers, or there is no secure connection to it; or the proxy makes none.
        Refused: The server rejects this client.
        ServerFull: Every slot is taken.
        ServerRestarting: No model is ready yet, or the server shuts down.
    """
    # aiohttp would raise a RuntimeError, which looks like a bug and is no failure of the network.
    if session.closed:
        raise ConnectionFailed("lost", "the HTTP session was closed before its streams", permanent=True)
    # A proxy gets the whole address of a request without TLS, and knows no scheme "ws" (RFC 9112, section 3.2.2).
    target = url if proxy is None else url.replace("ws", "http", 1)
    try:
        return Transport(await session.ws_connect(target, headers=headers, ssl=ssl, heartbeat=heartbeat, proxy=proxy))
    except (aiohttp.ClientProxyConnectionError, aiohttp.ClientHttpProxyError) as error:
        raise _error_of_proxy(error) from error
    except aiohttp.WSServerHandshakeError as error:
        raise _error_of_status(error.status, error.headers or {}) from error
    # The order matters: a certificate error is a ClientSSLError too, and that, like TimeoutError, an OSError.
    except aiohttp.ClientConnectorCertificateError as error:
        raise ConnectionFailed("tls", f"the server's certificate is not trusted: {error}", permanent=True) from error
    except aiohttp.ClientSSLError as error:
        raise ConnectionFailed("tls", f"no secure connection: {error}") from error
    except TimeoutError as error:
        raise ConnectionFailed("timeout", f"no answer from {url}") from error
    except (aiohttp.ClientError, OSError) as error:
        raise ConnectionFailed("unreachable", f"no server at {url}: {error}") from error


def _error_of_proxy(error: aiohttp.ClientProxyConnectionError | aiohttp.ClientHttpProxyError) -> AuricleError:
    """Of the attempt to reach a server through a proxy, whose address may hold a password and is not repeated."""
    if isinstance(error, aiohttp.ClientHttpProxyError):
        message = f"the proxy did not open a connection to the server (HTTP {error.status})"
        return ConnectionFailed("unreachable", message, permanent=error.status in _PROXY_REFUSALS)
    return ConnectionFailed("unreachable", f"no proxy answers: {error.os_error}")


def _error_of_status(status: int, headers: Mapping[str, str]) -> AuricleError:
    code, _, reason = headers.get(ERROR_HEADER, "")[:_LONGEST_REASON].partition(": ")
    # Without a reason it is the answer of a proxy, which limits requests (429), or finds no server (503).
    if status in {429, 503}:
        retry_after = _seconds(headers.get("Retry-After"))
        if code in _RESTARTS:
            return ServerRestarting(code, retry_after, reason)
        return ServerFull(retry_after, reason or f"no server takes the stream now (HTTP {status})")
    # RFC 6750, section 3.1: 401 for a bad token, 403 for one that does not reach far enough.
    if status in {401, 403}:
        return Refused(status, f"{reason or 'the server did not accept the key'} (HTTP {status})")
    if status == 407:  # the server has no such answer
        return Refused(status, "the proxy asks for a user name and a password (HTTP 407)")
    if 400 <= status < 500:
        known = code == codes.UNKNOWN_MODEL
        message = f"the server answered HTTP {status}; check that the url is that of an Auricle server"
        return Refused(status, f"{reason} (HTTP {status})" if known else message)
    return ConnectionFailed("unreachable", f"the server did not open a WebSocket (HTTP {status})")


def _seconds(value: str | None) -> float | None:
    """Retry-After as a number (RFC 9110, section 10.2.3); a date, its other form, leads to the ordinary backoff."""
    return float(value) if value is not None and value.isascii() and value.isdigit() else None


def _lost(cause: BaseException | None) -> ConnectionFailed:
    # aiohttp's heartbeat: no pong came within half of its interval.
    if isinstance(cause, TimeoutError):
        return ConnectionFailed("timeout", "the server stopped answering")
    return ConnectionFailed("lost", f"the connection broke: {cause}" if cause else "the connection broke")

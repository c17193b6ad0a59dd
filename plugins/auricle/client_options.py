"""How a client connects: one set of options for `auricle.connect`, `AuricleClient` and the adapters."""

from __future__ import annotations

import ssl as tls
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypedDict

import aiohttp

from auricle.reconnect import ReconnectPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientOptions:
    """Options of a client.

    Attributes:
        api_key: Sent as a bearer token; None takes the variable ``AURICLE_API_KEY``, and an empty one sends no token.
        ssl: Context for ``wss``; None checks certificates against the system's authorities.
        session: An aiohttp session to use; the client does not close it. None makes the client open its own.
        reconnect: When to try again after a connection breaks, and how much audio to keep for that.
        connect_timeout: Seconds for one attempt, from the first packet to `Ready`.
        heartbeat: Seconds without a message after which the client pings the server, which then has half as long to
            answer. None never pings.
        packet_ms: Shortest audio message in milliseconds, while the server's chunks are not known. Otherwise audio is
            sent at the points at which the server can use it, see `Ready.chunks`.
        answer_timeout: Seconds without any event after which a server that owes the answer to a finalize, or takes no
            audio, is treated as if the connection had broken. None waits without limit, and so do offline streams:
            they wait for live streams.
        trust_env: Whether the variables ``HTTPS_PROXY`` (for wss), ``HTTP_PROXY`` (for ws), ``ALL_PROXY`` and
            ``NO_PROXY`` say through which HTTP proxy the servers are reached. They are read when the client is made.
        trace_context: Called before each connection for the OpenTelemetry context whose span becomes the parent of the
            server's; None, like a function that returns None, takes the span that is current where the stream was
            opened. Without OpenTelemetry in the program nothing is sent.
    """

    api_key: str | None = field(default=None, repr=False)
    ssl: tls.SSLContext | None = None
    session: aiohttp.ClientSession | None = None
    reconnect: ReconnectPolicy = field(default_factory=ReconnectPolicy)
    connect_timeout: float = 10.0
    # Well below the `proxy_read_timeout` of nginx, 60 s by default.
    heartbeat: float | None = 20.0
    # 20 ms is one frame of WebRTC and of most telephony.
    packet_ms: int = 20
    answer_timeout: float | None = 5.0
    trust_env: bool = False
    trace_context: Callable[[], Any] | None = None


class ClientKeywords(TypedDict, total=False):
    """The fields of `ClientOptions` as keyword arguments."""

    api_key: str | None
    ssl: tls.SSLContext | None
    session: aiohttp.ClientSession | None
    reconnect: ReconnectPolicy
    connect_timeout: float
    heartbeat: float | None
    packet_ms: int
    answer_timeout: float | None
    trust_env: bool
    trace_context: Callable[[], Any] | None

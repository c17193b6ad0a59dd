"""The client: `connect` for one stream, `AuricleClient` for many.

    async with auricle.connect("ws://localhost:8765") as stream:
        await stream.send(pcm)
        await stream.end()
        async for event in stream:
            ...

Events are typed (`auricle.events`); what goes wrong is raised (`auricle.errors`).
"""

from __future__ import annotations

import ssl as tls
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self

import aiohttp

from auricle._connection.connection import Address
from auricle._connection.servers import Servers
from auricle._connection.transport import stream_url
from auricle._stream.event_merger import EventMerger
from auricle._stream.replay_buffer import ReplayBuffer
from auricle._stream.stream_task import SEND_BUFFER_SECONDS, StreamTask
from auricle.protocol.client_messages import Start
from auricle.reconnect import ReconnectPolicy
from auricle.stream import Stream

DEFAULT_POLICY = ReconnectPolicy()


class AuricleClient:
    """Opens streams; close it, or use it as a context manager, when the streams are done.

    With several servers, a stream goes to the first that will have it, and to another when that one fails: what had no
    final there is replayed. One that was full or failed is asked only after the others for a while.

    Args:
        url: ``ws://host:port`` (or wss, http, https); the path ``/v1/stream`` is added when it is missing. Or several,
            in the order of preference.
        api_key: Sent as a bearer token.
        ssl: Context for wss; None checks certificates against the system's authorities.
        session: Taken instead of one of the client's own, and left open.
        reconnect: When to try again after a connection breaks, and how much audio to keep for it.
        connect_timeout: Seconds for one attempt, from the first packet to `Ready`.
        heartbeat: Seconds of quiet after which the server is asked for a sign of life; it has half as long to give one.
            None never asks.
        packet_ms: Audio goes out when the server can use it, see `Ready.chunks`. Where that is not known it is sent in
            pieces of at least this length, so that tiny frames do not become tiny messages.
        answer_timeout: Seconds without any event after which a server that has a finalize to answer, or takes no audio,
            is given up like one whose connection broke. None waits for ever; so do offline streams, whose turn comes
            when no live stream wants the time.

    Raises:
        ValueError: A url is none, or there is none at all.
    """

    def __init__(
        self,
        url: str | Sequence[str],
        *,
        api_key: str | None = None,
        ssl: tls.SSLContext | None = None,
        session: aiohttp.ClientSession | None = None,
        reconnect: ReconnectPolicy = DEFAULT_POLICY,
        connect_timeout: float = 10.0,
        heartbeat: float | None = 20.0,
        packet_ms: int = 20,
        answer_timeout: float | None = 5.0,
    ) -> None:
        headers = {} if api_key is None else {"Authorization": f"Bearer {api_key}"}
        trusted = True if ssl is None else ssl
        urls = [url] if isinstance(url, str) else url
        self._servers = Servers(
            [Address(stream_url(each), headers, trusted, connect_timeout, heartbeat) for each in urls]
        )
        self._answer_timeout = answer_timeout
        self._policy = reconnect
        self._packet_seconds = packet_ms / 1000
        self._session = session
        self._owns_session = session is None

    async def open(self, start: Start | None = None) -> Stream:
        """A new stream. Asks every server once: whether to try again is the caller's to say here.

        Raises:
            AuricleError: There is no server, or none will have this stream; `ServerFull` if one merely has no room.
        """
        pump, stream = self._new_stream(start or Start(), SEND_BUFFER_SECONDS)
        await pump.open()
        return stream

    def stream(
        self,
        start: Start | Callable[[], Start] | None = None,
        *,
        connect_policy: ReconnectPolicy | None = None,
        send_buffer_seconds: float = SEND_BUFFER_SECONDS,
    ) -> Stream:
        """A new stream, at once: it connects in the background, by the policy with which it reconnects.

        Audio and messages given to it before are kept, as in an outage, and sent once it is connected; of audio the
        last `ReconnectPolicy.replay_seconds`. Its events tell of the attempts: `Reconnecting` after each that failed,
        `Connected` after the first that succeeded. When the policy gives up, or at an error that is permanent, the
        stream fails with that error; `Stream.reopen` may go on with it.

        Needs a running event loop.

        Args:
            start: How the stream is to be. A function is called before each attempt until the stream is connected, for
                settings that may change meanwhile; encoding and sample rate must stay. Changes after that are for
                `Stream.update`, which may be called before as well.
            connect_policy: When to try again until the first connection, instead of the client's `reconnect`. That one
                counts its attempts from the first connection on.
            send_buffer_seconds: Audio that may wait for a connection that is slow, before `Stream.send` waits and
                `Stream.send_nowait` raises `Backpressure`.
        """
        message = start if callable(start) else None
        pump, stream = self._new_stream(start() if callable(start) else start or Start(), send_buffer_seconds)
        pump.begin(connect_policy or self._policy, message)
        return stream

    def _new_stream(self, start: Start, send_buffer_seconds: float) -> tuple[StreamTask, Stream]:
        if self._session is None:
            self._session = aiohttp.ClientSession()
        journal = ReplayBuffer(start, self._policy.replay_seconds, self._packet_seconds)
        splice = EventMerger(start.turn)
        pump = StreamTask(
            self._session, self._servers, journal, splice, self._policy, self._answer_timeout, send_buffer_seconds
        )
        return pump, Stream(pump, journal, splice)

    async def aclose(self) -> None:
        """Closes the client's own session. Streams are closed by their owners, before."""
        if self._owns_session and self._session is not None:
            session, self._session = self._session, None  # whoever opens a stream meanwhile needs another
            await session.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()


@asynccontextmanager
async def connect(
    url: str | Sequence[str],
    *,
    start: Start | None = None,
    api_key: str | None = None,
    ssl: tls.SSLContext | None = None,
    session: aiohttp.ClientSession | None = None,
    reconnect: ReconnectPolicy = DEFAULT_POLICY,
    connect_timeout: float = 10.0,
    heartbeat: float | None = 20.0,
    packet_ms: int = 20,
    answer_timeout: float | None = 5.0,
) -> AsyncIterator[Stream]:
    """A stream, dropped when the block is left. Arguments as for `AuricleClient`.

    Raises:
        AuricleError: There is no server, or it will not have this stream.
        ValueError: The url is none.
    """
    client = AuricleClient(
        url,
        api_key=api_key,
        ssl=ssl,
        session=session,
        reconnect=reconnect,
        connect_timeout=connect_timeout,
        heartbeat=heartbeat,
        packet_ms=packet_ms,
        answer_timeout=answer_timeout,
    )
    async with client, await client.open(start) as stream:
        yield stream

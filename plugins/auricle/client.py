"""The client: `connect` for one stream, `AuricleClient` for many.

    async with auricle.connect("ws://localhost:8765") as stream:
        await stream.send(pcm)
        await stream.end()
        async for event in stream:
            ...

Events are typed (`auricle.events`); failures are raised (`auricle.errors`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from types import TracebackType
from typing import Self, Unpack
from urllib.parse import urlsplit

import aiohttp

from auricle._connection.connection import Address
from auricle._connection.servers import Servers
from auricle._stream.event_merger import EventMerger
from auricle._stream.replay_buffer import ReplayBuffer
from auricle._stream.stream_input import SEND_BUFFER_SECONDS, StreamInput
from auricle._stream.stream_task import StreamTask
from auricle.client_options import ClientKeywords, ClientOptions
from auricle.environment import api_key_of, proxy_of, server_urls
from auricle.protocol.client_messages import Start
from auricle.reconnect import ReconnectPolicy
from auricle.stream import Stream


class AuricleClient:
    """Opens streams. Close it, or use it as a context manager, after its streams are closed.

    With several servers, a stream goes to the first that accepts it, and to another when that one fails; audio without
    a final is replayed there. For a while, a server that was full or failed is asked only after the others.

    Args:
        url: ``ws://host:port`` (or wss, http, https); the path ``/v1/stream`` is added when it is missing. Or several,
            in the order of preference. None takes the variable ``AURICLE_URL``, with commas between several, and
            without that ``ws://127.0.0.1:8765``.
        options: See `ClientOptions`.
        **keywords: Fields of `ClientOptions`, which replace those of `options`.

    Raises:
        ValueError: A url has another form, or there is none; or a key or proxy of the environment cannot be used.
    """

    def __init__(
        self,
        url: str | Sequence[str] | None = None,
        options: ClientOptions | None = None,
        **keywords: Unpack[ClientKeywords],
    ) -> None:
        self._options = replace(options or ClientOptions(), **keywords)
        self._servers = Servers([_address(each, self._options) for each in server_urls(url)])
        self._session = self._options.session

    async def open(self, start: Start | None = None) -> Stream:
        """A new stream. Each server is asked once; the caller decides whether to try again.

        Raises:
            AuricleError: No server can be reached, or none accepts the stream; `ServerFull` if at least one is only
                full.
        """
        task, stream = self._new_stream(start or Start(), SEND_BUFFER_SECONDS)
        await task.open()
        return stream

    def stream(
        self,
        start: Start | Callable[[], Start] | None = None,
        *,
        connect_policy: ReconnectPolicy | None = None,
        send_buffer_seconds: float = SEND_BUFFER_SECONDS,
    ) -> Stream:
        """A new stream, without waiting for a server: it connects in the background, by the policy of reconnections.

        Audio and messages given to it before that are kept, as in an outage, and sent once it is connected; of audio
        the last `ReconnectPolicy.replay_seconds`. Its events report the attempts: `Reconnecting` after each that
        failed, `Connected` after the first that succeeded. When the policy gives up, or at a permanent error, the
        stream fails with that error; `Stream.reopen` can continue it.

        Needs a running event loop.

        Args:
            start: Settings of the stream. A function is called before each attempt until the stream is connected, for
                settings that may change meanwhile; encoding and sample rate must stay. `Stream.update` changes
                settings after that, and may be called before as well.
            connect_policy: When to try again until the first connection, instead of `ClientOptions.reconnect`. The
                latter counts its attempts from the first connection on.
            send_buffer_seconds: Audio that may wait while a connection is slow, before `Stream.send` waits and
                `Stream.send_nowait` raises `Backpressure`.
        """
        start_message = start if callable(start) else None
        task, stream = self._new_stream(start() if callable(start) else start or Start(), send_buffer_seconds)
        task.begin(connect_policy or self._options.reconnect, start_message)
        return stream

    def _new_stream(self, start: Start, send_buffer_seconds: float) -> tuple[StreamTask, Stream]:
        # Not in the constructor: aiohttp's session needs a running event loop.
        if self._session is None:
            self._session = aiohttp.ClientSession()
        options = self._options
        replay_buffer = ReplayBuffer(start, options.reconnect.replay_seconds, options.packet_ms / 1000)
        stream_input = StreamInput(replay_buffer, send_buffer_seconds)
        merger = EventMerger(start.turn)
        task = StreamTask(self._session, self._servers, replay_buffer, stream_input, merger, options)
        return task, Stream(task, replay_buffer, stream_input, merger)

    async def aclose(self) -> None:
        """Closes the client's own session. Close the streams before."""
        if self._options.session is None and self._session is not None:
            session, self._session = self._session, None  # a stream that is opened meanwhile needs another session
            await session.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()


@asynccontextmanager
async def connect(
    url: str | Sequence[str] | None = None,
    *,
    start: Start | None = None,
    options: ClientOptions | None = None,
    **keywords: Unpack[ClientKeywords],
) -> AsyncIterator[Stream]:
    """A stream, dropped when the block is left. Arguments as for `AuricleClient`.

    Raises:
        AuricleError: No server can be reached, or none accepts the stream.
        ValueError: As for `AuricleClient`.
    """
    async with AuricleClient(url, options, **keywords) as client, await client.open(start) as stream:
        yield stream


def _address(url: str, options: ClientOptions) -> Address:
    api_key = api_key_of(options.api_key)
    # Both would become the header Authorization.
    if api_key is not None and "@" in urlsplit(url).netloc:
        raise ValueError("url: has a user name or a password, and there is an API key as well; leave one out")
    # RFC 6750, section 2.1.
    headers = {} if api_key is None else {"Authorization": f"Bearer {api_key}"}
    ssl = True if options.ssl is None else options.ssl
    proxy = proxy_of(url) if options.trust_env else None
    return Address(url, headers, ssl, options.connect_timeout, options.heartbeat, proxy)

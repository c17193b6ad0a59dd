"""A server of Auricle's own protocol under evaluation."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from auricle.client import AuricleClient
from auricle.errors import (
    AuricleError,
    ConnectionFailed,
    ProtocolError,
    Refused,
    ServerFull,
    ServerRestarting,
    StreamFailed,
)
from auricle.protocol.client_messages import Start
from auricle.protocol.server_messages import Final, Ready, TurnEnd
from auricle.protocol.settings import TurnSettings
from auricle.reconnect import ReconnectPolicy
from auricle.stream import Stream
from auricle_server.audio_files import SAMPLE_RATE
from auricle_server.bench.quality.recognisers.interface import (
    Offer,
    Recognised,
    RecognisedSegment,
    RecogniserFailed,
    RecognitionSetting,
    RecordingFailed,
)
from auricle_server.bench.quality.recognisers.pacing import paced
from auricle_server.bench.quality.stream_mode import StreamMode

_RECONNECT = ReconnectPolicy(replay_seconds=600.0)
"""A file may be sent as fast as the server reads; what lies in the sockets must fit into the replay buffer."""
_FULL_SECONDS = 120.0
"""How long a full server is asked again for a place: its other streams end meanwhile."""
_RETRY_SECONDS = 1.0
_LAST = "end-of-recording"


class NativeRecogniser:
    """A server at an address.

    Args:
        client: Connects to it.
    """

    def __init__(self, client: AuricleClient) -> None:
        self._client = client

    async def offer(self) -> Offer:
        """See `Recogniser`."""
        ready = await self._ready()
        return Offer(ready.model, ready.latencies_ms, ready.languages)

    async def _ready(self) -> Ready:
        try:
            async with await self._open(Start()) as stream:
                return stream.ready
        except AuricleError as error:
            raise RecogniserFailed(str(error)) from error

    async def recognise(self, pcm: bytes, setting: RecognitionSetting) -> Recognised:
        """See `Recogniser`."""
        try:
            async with await self._open(_start(setting)) as stream:
                return await _Run(stream, pcm, setting).recognised()
        except (ConnectionFailed, Refused) as error:
            raise RecogniserFailed(str(error)) from error
        except AuricleError as error:
            # What the server does not accept of one stream, it accepts of none.
            if isinstance(error, StreamFailed | ProtocolError) and error.permanent:
                raise RecogniserFailed(str(error)) from error
            raise RecordingFailed(str(error)) from error

    async def _open(self, start: Start) -> Stream:
        """A new stream; while the server is full or restarts, it is asked again."""
        until = time.monotonic() + _FULL_SECONDS
        while True:
            try:
                return await self._client.open(start)
            except (ServerFull, ServerRestarting) as full:
                wait = _RETRY_SECONDS if full.retry_after is None else full.retry_after
                if time.monotonic() + wait > until:
                    raise
                await asyncio.sleep(wait)


@asynccontextmanager
async def connect_native(url: str, api_key: str | None) -> AsyncIterator[NativeRecogniser]:
    """The server at `url`, see `ConnectRecogniser`.

    Raises:
        RecogniserFailed: The address has no form that the client knows.
    """
    try:
        client = AuricleClient(url, api_key=api_key, reconnect=_RECONNECT)
    except ValueError as error:
        raise RecogniserFailed(str(error)) from error
    async with client:
        yield NativeRecogniser(client)


def _start(setting: RecognitionSetting) -> Start:
    return Start(
        latency_ms=setting.latency_ms,
        language=setting.language,
        turn=TurnSettings(mode=setting.turns),
        refine="on" if setting.mode is StreamMode.REFINED else "off",
        offline=setting.mode is StreamMode.OFFLINE,
    )


class _Run:
    """One recording through one stream."""

    def __init__(self, stream: Stream, pcm: bytes, setting: RecognitionSetting) -> None:
        self._stream, self._pcm, self._setting = stream, pcm, setting
        self._began = time.monotonic()
        self._asked = self._began
        self._segments: list[RecognisedSegment] = []
        self._turn_ends: list[float] = []
        self._finalize_seconds = 0.0

    async def recognised(self) -> Recognised:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._send())
                await self._receive()
        except* AuricleError as failed:
            raise failed.exceptions[0] from failed
        return Recognised(tuple(self._segments), tuple(self._turn_ends), self._finalize_seconds)

    async def _send(self) -> None:
        async for packet in paced(self._pcm, self._began, realtime=self._setting.realtime):
            await self._stream.send(packet)
        self._asked = time.monotonic()
        await self._stream.finalize(_LAST)
        await self._stream.end()

    async def _receive(self) -> None:
        seconds = len(self._pcm) / (2 * SAMPLE_RATE)
        async for event in self._stream:
            if isinstance(event, Final):
                self._on_final(event)
            # The end of the stream ends an open turn too; that says nothing about the detection.
            elif isinstance(event, TurnEnd) and event.audio_time < seconds:
                self._turn_ends.append(event.audio_time)

    def _on_final(self, final: Final) -> None:
        now = time.monotonic()
        if final.text:
            self._segments.append(RecognisedSegment(final.text, final.words, final.language, now - self._began))
        if final.finalize_id == _LAST:
            self._finalize_seconds = now - self._asked

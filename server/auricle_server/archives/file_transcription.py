"""A recording through a server: sends it as fast as the server reads, and collects what was said.

What `auricle transcribe` and `auricle archive` have in common, so that their words are the same.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from auricle.client import AuricleClient
from auricle.errors import AuricleError
from auricle.events import StreamEvent
from auricle.protocol.client_messages import Start
from auricle.protocol.server_messages import Final
from auricle.reconnect import ReconnectPolicy
from auricle.stream import Stream
from auricle_server.audio_files import SAMPLE_RATE, AudioFile, UnreadableAudio

# A file is sent as fast as the server reads. The audio in the socket buffers must fit into the replay buffer.
RECONNECT = ReconnectPolicy(replay_seconds=600.0)
"""What a client that sends recordings needs."""
_BYTES_PER_SECOND = 2 * SAMPLE_RATE


@dataclass(frozen=True, slots=True)
class ChannelSpeech:
    """What was said in a recording, or in one channel of it.

    Attributes:
        model: Name of the model.
        latency_ms: Chunk latency of the stream.
        segments: Non-empty finals in order.
        damage: Why the recording could not be read to its end; None when it was.
    """

    model: str
    latency_ms: int
    segments: tuple[Final, ...]
    damage: UnreadableAudio | None = None


async def transcribe_channel(
    client: AuricleClient,
    start: Start,
    audio: AudioFile,
    channel: int | None,
    *,
    realtime: bool = False,
    observe: Callable[[StreamEvent], None] = lambda _: None,
) -> ChannelSpeech:
    """Transcribes a recording, or one channel of it.

    Args:
        client: Of the server; with `RECONNECT`.
        start: Start message of the stream.
        audio: The recording; afterwards its `duration` is what was read.
        channel: From 1; None for the mix of all.
        realtime: Whether to send at the speed of speech; otherwise as fast as the server reads.
        observe: Is shown every event.

    Raises:
        UnreadableAudio: Nothing of the recording could be read.
        AuricleError: The server is unreachable, refuses the stream or ended it.
    """
    async with await client.open(start) as stream:
        try:
            async with asyncio.TaskGroup() as group:
                sending = group.create_task(_send(stream, audio.blocks(channel), realtime))
                segments = await _receive(stream, observe)
        except* (UnreadableAudio, AuricleError) as failed:
            raise failed.exceptions[0] from failed
        return ChannelSpeech(stream.ready.model, stream.ready.latency_ms, segments, sending.result())


async def _send(stream: Stream, blocks: Iterator[bytes], realtime: bool) -> UnreadableAudio | None:
    """Sends the file and the end of the stream; with `realtime` on an absolute schedule.

    Returns:
        Why the file could not be read to its end.

    Raises:
        UnreadableAudio: Nothing of it could be read.
    """
    began, sent = time.monotonic(), 0.0
    damage = None
    try:
        for block in blocks:
            await stream.send(block)
            sent += len(block) / _BYTES_PER_SECOND
            if realtime:
                await asyncio.sleep(max(0.0, began + sent - time.monotonic()))
    except UnreadableAudio as error:
        if not sent:
            raise
        damage = error
    await stream.end()
    return damage


async def _receive(stream: Stream, observe: Callable[[StreamEvent], None]) -> tuple[Final, ...]:
    segments = []
    async for event in stream:
        observe(event)
        if isinstance(event, Final) and event.text:
            segments.append(event)
    return tuple(segments)

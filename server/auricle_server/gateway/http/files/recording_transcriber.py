"""Transcribes an uploaded recording: a session for the mix of its channels, or for each."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import IO

from aiohttp import web

from auricle.protocol import codes
from auricle_server.audio_files import AudioFile, UnreadableAudio, open_descriptor
from auricle_server.config import ServerConfig
from auricle_server.gateway.errors import BadRequest, Refusal, refusal_of
from auricle_server.gateway.http.connections import Connections
from auricle_server.gateway.http.files.recording_stream import RecordingDialect, RecordingStream
from auricle_server.gateway.http.files.worker_losses import outlive_workers
from auricle_server.gateway.http.session_opener import SessionOpener, SessionParts
from auricle_server.gateway.keys.api_key import ApiKey
from auricle_server.gateway.session.file_endpoint import FileJob, RecordingTranscript, Upload
from auricle_server.gateway.session.session import Session
from auricle_server.gateway.workers.worker_pool import WorkerPool

MAX_SPLIT = 8
"""Channels of one recording that are transcribed each by itself: they run at once, and each takes a slot."""


@dataclass(frozen=True, slots=True)
class RecordingRequest:
    """A request whose recording has arrived.

    Attributes:
        request: The client's.
        key: Of the request.
        format_name: Of its wire format.
        upload: What came beside the recording.
        file: Holds the recording.
        job: What is to be done with it.
        pool: The workers of the model.
        send: Sends what `FileJob.encode` writes.
    """

    request: web.Request
    key: ApiKey
    format_name: str
    upload: Upload
    file: IO[bytes]
    job: FileJob
    pool: WorkerPool
    send: Callable[[str], Awaitable[None]]


class RecordingTranscriber:
    """Transcribes the recordings of a gateway.

    Args:
        config: Of the server.
        opener: Of the gateway.
        connections: Of the gateway.
    """

    def __init__(self, config: ServerConfig, opener: SessionOpener, connections: Connections) -> None:
        self._config = config
        self._opener = opener
        self._connections = connections

    async def transcribe(self, recording: RecordingRequest) -> RecordingTranscript:
        """What is said in a recording.

        Raises:
            Refusal: It cannot be read, there is no slot for it, or its stream has failed.
            ConnectionError: The client has gone.
        """
        try:
            # Before a slot is taken: what is no recording costs the workers nothing.
            channels = await asyncio.to_thread(_open_channels, recording)
            self._check(channels[0])
            again = recording.job.encode is None
            return await outlive_workers(partial(self._transcribe, recording, channels), again=again)
        except UnreadableAudio as error:
            raise BadRequest(f"the recording cannot be read: {error}", codes.BAD_AUDIO) from error

    async def _transcribe(self, recording: RecordingRequest, channels: list[AudioFile]) -> RecordingTranscript:
        streams: list[RecordingStream] = []
        try:
            for number, audio in enumerate(channels, 1):
                streams.append(await self._open(recording, audio, number if recording.job.split else None))
            async with asyncio.TaskGroup() as group:
                serve, name = self._connections.serve, recording.key.name
                tasks = [group.create_task(serve(stream, name)) for stream in streams]
        except* (Refusal, UnreadableAudio, ConnectionError) as failed:
            raise _first(failed) from None
        finally:
            for stream in streams:
                if not stream.ran:  # another channel was refused
                    stream.session.abandon()
        damage = next((stream.damage for stream in streams if stream.damage is not None), None)
        return RecordingTranscript(tuple(task.result() for task in tasks), channels[0].duration or 0.0, damage)

    def _check(self, audio: AudioFile) -> None:
        """Refuses a recording whose header says that it is too long."""
        seconds, most = audio.duration, self._config.limits.stream_seconds
        if seconds is not None and seconds > most:
            message = f"the recording lasts {seconds:.0f} s; at most {most:g} s are transcribed in one request"
            raise BadRequest(message, codes.STREAM_TOO_LONG)

    async def _open(self, recording: RecordingRequest, audio: AudioFile, channel: int | None) -> RecordingStream:
        """A stream whose session has begun.

        Raises:
            Refusal: As `SessionOpener.open`; or the model cannot do what the job asks for.
        """
        dialect = RecordingDialect(recording.format_name, recording.job.encode)
        request, seconds = recording.request, self._config.stall_seconds
        stream = RecordingStream(request, dialect, audio, channel, recording.send, seconds)

        def build(parts: SessionParts) -> Session:
            metrics, timer, models = parts.metrics, parts.idle_timer, parts.turn_models
            return Session(parts.lease, parts.limits, metrics, timer, stream.wake, dialect, models)

        # An offline stream has the largest latency of the model: its slot is reserved at that cost.
        start = recording.job.start
        pool = recording.pool
        latency_ms = start.latency_ms
        if start.offline and pool.info is not None:
            latency_ms = max(pool.info.latencies_ms)
        stream.session = await self._opener.open(request, recording.key, build, latency_ms, pool)
        stream.session.begin(start)
        if (failure := stream.session.failure) is not None:
            raise refusal_of(failure)
        return stream


def _open_channels(recording: RecordingRequest) -> list[AudioFile]:
    """The recording, opened once for each channel that is read by itself."""
    job, name = recording.job, recording.upload.name or "the recording"
    header = b"" if job.raw is None else job.raw.wave_header

    def open_once() -> AudioFile:
        return open_descriptor(recording.file.fileno(), name, header)

    audio = open_once()
    if not job.split:
        return [audio]
    if audio.channels > MAX_SPLIT:
        raise BadRequest(f"the recording has {audio.channels} channels; at most {MAX_SPLIT} can be split")
    return [audio, *(open_once() for _ in range(audio.channels - 1))]


def _first(failed: BaseExceptionGroup[BaseException]) -> BaseException:
    """The failure that counts, of those of several channels."""
    first = failed.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first

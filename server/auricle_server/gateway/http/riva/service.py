"""Riva's speech recognition, and gRPC's health check, as a gateway answers them."""

from __future__ import annotations

import asyncio
import math
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any, NoReturn

import grpc

from auricle.protocol import codes
from auricle.protocol.client_messages import Encoding
from auricle_server.audio_files import AudioFile, UnreadableAudio, open_descriptor
from auricle_server.gateway.dialects.riva.dialect import RivaDialect, RivaRecordingDialect
from auricle_server.gateway.dialects.riva.messages import (
    ALAW,
    MULAW,
    NOT_SERVING,
    PCM,
    SERVING,
    ConfigResponse,
    HealthResponse,
    Message,
)
from auricle_server.gateway.dialects.riva.request import read_recording, read_streaming
from auricle_server.gateway.errors import BadRequest, NotReady, Refusal
from auricle_server.gateway.http.files.recording_stream import BlockReader
from auricle_server.gateway.http.files.worker_losses import outlive_workers
from auricle_server.gateway.http.riva.call import RivaCall
from auricle_server.gateway.http.riva.call_log import Context, call_address, logged_call, metadata_value
from auricle_server.gateway.http.session_opener import GatewayParts, SessionParts
from auricle_server.gateway.keys.api_key import ApiKey
from auricle_server.gateway.session.file_endpoint import RawAudio
from auricle_server.gateway.session.formats.riva_settings import RIVA_MODELS, RivaSettings
from auricle_server.gateway.session.session import Session
from auricle_server.gateway.workers.worker_pool import WorkerPool
from auricle_server.model_info import ModelInfo
from auricle_server.telemetry.log_context import request_context
from auricle_server.telemetry.recording_span import recording_span

SERVICE = "nvidia.riva.asr.RivaSpeechRecognition"
_STATUS = {
    codes.UNAUTHORIZED: grpc.StatusCode.UNAUTHENTICATED,
    codes.TOO_MANY_STREAMS: grpc.StatusCode.RESOURCE_EXHAUSTED,
    codes.IDLE_TIMEOUT: grpc.StatusCode.DEADLINE_EXCEEDED,
    codes.STREAM_TOO_LONG: grpc.StatusCode.OUT_OF_RANGE,
    codes.UNKNOWN_MODEL: grpc.StatusCode.NOT_FOUND,
    codes.INTERNAL: grpc.StatusCode.INTERNAL,
}
_HEADERLESS: dict[int, Encoding] = {PCM: "pcm_s16le", MULAW: "mulaw", ALAW: "alaw"}
_RIFF = b"RIFF"


class RivaService:
    """The answers of one gateway. A call is refused by its status: UNAVAILABLE says that another try may succeed.

    Args:
        parts: Of the gateway.
    """

    def __init__(self, parts: GatewayParts) -> None:
        self._parts = parts
        self._config = parts.config

    async def streaming_recognize(self, _: object, context: Context) -> None:
        """``StreamingRecognize``."""
        await self._answer(context, "StreamingRecognize", lambda key: self._stream(context, key))

    async def recognize(self, request: Message, context: Context) -> Message:
        """``Recognize``."""
        return await self._answer(context, "Recognize", lambda key: self._recognize(_checked(request), context, key))

    async def get_config(self, request: Message, context: Context) -> Message:
        """``GetRivaSpeechRecognitionConfig``: one entry for each language, as Riva has a model for each."""

        async def answer(_: ApiKey) -> Message:
            response, asked, workers = ConfigResponse(), _checked(request).model_name, self._parts.workers
            _info(workers.default)  # or it is too early
            for model in workers.infos:
                for language in model.languages if asked in {"", model.name} else ():
                    entry = response.model_config.add(model_name=model.name)
                    described = {"type": "online", "language_code": language, "streaming": "True"}
                    for name, value in described.items():
                        entry.parameters.add(key=name, value=value)
            return response

        return await self._answer(context, "GetRivaSpeechRecognitionConfig", answer)

    async def check_health(self, request: Message, context: Context) -> Message:
        """``Check`` of ``grpc.health.v1.Health``: serving while new streams are taken. Needs no key."""
        if isinstance(request, Refusal):
            await self._abort(context, request)
        if request.service not in {"", SERVICE}:
            await context.abort(grpc.StatusCode.NOT_FOUND, "there is no such service here")
        return HealthResponse(status=self._health)

    async def watch_health(self, request: Message, context: Context) -> None:
        """``Watch`` of the same: the status, and each change of it."""
        if isinstance(request, Refusal):
            await self._abort(context, request)
        told = None
        while True:
            if (status := self._health) != told:
                told = status
                await context.write(HealthResponse(status=status))
            await asyncio.sleep(1.0)

    @property
    def _health(self) -> int:
        return SERVING if self._parts.workers.ready and not self._parts.opener.draining else NOT_SERVING

    async def _answer(self, context: Context, method: str, answer: Callable[[ApiKey], Awaitable[Any]]) -> Any:
        with logged_call(context, f"/{SERVICE}/{method}", self._config.telemetry.access_log):
            return await self._answered(context, answer)

    async def _answered(self, context: Context, answer: Callable[[ApiKey], Awaitable[Any]]) -> Any:
        try:
            key = self._parts.opener.check_key(call_address(context), metadata_value(context, "authorization"))
            return await answer(key)
        except Refusal as refusal:
            self._parts.metrics.refused.labels(refusal.code).inc()
            await self._abort(context, refusal)
        except ConnectionError:
            await context.abort(grpc.StatusCode.CANCELLED, "the server has cut the call: its client does not read")

    async def _abort(self, context: Context, refusal: Refusal) -> NoReturn:
        after = self._config.retry_after_seconds if refusal.retry_after is None else refusal.retry_after
        metadata = [("auricle-error", refusal.code)]
        if refusal.retry:
            metadata.append(("retry-after", str(math.ceil(after))))
        await context.abort(_status(refusal), f"{refusal.code}: {refusal.message}", tuple(metadata))
        raise refusal  # `abort` has raised

    def _pool(self, name: str) -> WorkerPool:
        """The model that a client names.

        Raises:
            UnknownModel: There is none of this name.
        """
        return self._parts.workers.find_tolerant(name, RIVA_MODELS)

    # --- streams -----------------------------------------------------------------------------------------------------

    async def _stream(self, context: Context, key: ApiKey) -> None:
        first = await self._first_request(context)
        pool = self._pool(first.streaming_config.config.model)
        settings = read_streaming(first.streaming_config, _info(pool), self._config.limits)
        dialect = RivaDialect(settings, first.id.value)

        async def messages() -> AsyncIterator[bytes | str | Refusal]:
            while (request := await context.read()) is not grpc.aio.EOF:
                for message in [request] if isinstance(request, Refusal) else dialect.inputs(request):
                    yield message

        await self._serve(dialect, settings, messages(), context.write, key, pool)

    async def _first_request(self, context: Context) -> Message:
        try:
            async with asyncio.timeout(self._config.start_seconds):
                first = await context.read()
        except TimeoutError as error:
            raise BadRequest("no request came; the first one must hold the streaming_config") from error
        if first is grpc.aio.EOF or not _checked(first).HasField("streaming_config"):
            raise BadRequest("the first request of a stream must hold the streaming_config")
        return first

    async def _serve(
        self,
        dialect: RivaDialect,
        settings: RivaSettings,
        messages: AsyncIterator[bytes | str | Refusal],
        send: Callable[[Message], Awaitable[None]],
        key: ApiKey,
        pool: WorkerPool,
    ) -> None:
        config, parts = self._config, self._parts
        call = RivaCall(dialect, messages, send, config.stall_seconds, config.limits.message_bytes)

        def build(each: SessionParts) -> Session:
            models = each.turn_models
            return Session(each.lease, each.limits, each.metrics, each.idle_timer, call.wake, dialect, models)

        start = settings.start
        latency_ms = max(_info(pool).latencies_ms) if start.offline else start.latency_ms
        call.session = await parts.opener.open(None, key, build, latency_ms, pool)
        call.session.begin(start)
        parts.metrics.dialect_streams.labels(dialect.name).inc()
        await parts.connections.serve(call, key.name)

    # --- recordings --------------------------------------------------------------------------------------------------

    async def _recognize(self, request: Message, context: Context, key: ApiKey) -> Message:
        pool = self._pool(request.config.model)
        settings = read_recording(request.config, _info(pool), self._config.limits)
        raw, call_id = _raw_audio(request), request.id.value
        header = b"" if raw is None else raw.wave_header
        with tempfile.TemporaryFile(prefix="auricle-") as file:
            # A recording takes its own size in memory only while it arrives.
            await asyncio.to_thread(file.write, request.audio)
            request.ClearField("audio")
            await asyncio.to_thread(file.flush)

            async def attempt() -> Message:
                dialect = RivaRecordingDialect(settings, call_id)
                audio = await asyncio.to_thread(open_descriptor, file.fileno(), "the recording", header)
                async with aclosing(_blocks(audio)) as blocks:
                    await self._serve(dialect, settings, blocks, context.write, key, pool)
                return dialect.answer()

            try:
                with recording_span(self._parts.tracing, request_context(), RivaRecordingDialect.name):
                    return await outlive_workers(attempt)
            except UnreadableAudio as error:
                raise BadRequest(f"the recording cannot be read: {error}", codes.BAD_AUDIO) from error


def _info(pool: WorkerPool) -> ModelInfo:
    if (info := pool.info) is None:
        raise NotReady("the model is still loading; try again later")
    return info


async def _blocks(audio: AudioFile) -> AsyncGenerator[bytes]:
    """The first channel of a recording as 16 kHz PCM, about a second at a time."""
    reader = BlockReader(audio, 1)
    try:
        while not reader.over:
            if block := await asyncio.to_thread(reader.read):
                yield block
    finally:
        await asyncio.to_thread(reader.close)


def _checked(request: Message | Refusal) -> Message:
    """A request of the client's.

    Raises:
        Refusal: Its bytes are none.
    """
    if isinstance(request, Refusal):
        raise request
    return request


def _raw_audio(request: Message) -> RawAudio | None:
    """How samples without a header are stored; None where the recording says itself what it holds."""
    config = request.config
    encoding = _HEADERLESS.get(config.encoding)
    if encoding is None or request.audio.startswith(_RIFF):
        return None
    return RawAudio(encoding, config.sample_rate_hertz or 16_000, config.audio_channel_count or 1)


def _status(refusal: Refusal) -> Any:
    if refusal.code in _STATUS:
        return _STATUS[refusal.code]
    if refusal.status == 400:
        return grpc.StatusCode.INVALID_ARGUMENT
    return grpc.StatusCode.UNAVAILABLE

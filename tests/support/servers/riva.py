"""A client of Riva that speaks gRPC without NVIDIA's library, and a port for its server."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import grpc

from auricle_server.gateway.dialects.riva import messages
from tests.support.tones import Pcm

SERVICE = "/nvidia.riva.asr.RivaSpeechRecognition"
PIECE = 3_201


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def config(**fields: Any) -> Any:
    """A `RecognitionConfig` of 16 kHz PCM."""
    given = {"encoding": messages.PCM, "sample_rate_hertz": 16_000, "language_code": "en-US", **fields}
    return messages.message_type("RecognitionConfig")(**given)


def first(interim_results: bool = False, **fields: Any) -> Any:
    """The first request of a stream."""
    streaming = messages.message_type("StreamingRecognitionConfig")
    wanted = streaming(config=config(**fields), interim_results=interim_results)
    return messages.StreamingRequest(streaming_config=wanted)


def pieces(audio: Pcm | bytes) -> Iterable[Any]:
    """Requests with the audio, in pieces that end within samples."""
    data = audio if isinstance(audio, bytes) else audio.tobytes()
    for at in range(0, len(data), PIECE):
        yield messages.StreamingRequest(audio_content=data[at : at + PIECE])


def force_end() -> Any:
    request = messages.StreamingRequest()
    request.runtime_config.add(key="force_eou", value="true")
    return request


class Stub:
    """The calls of one channel."""

    def __init__(self, channel: Any, key: str | None) -> None:
        self._channel = channel
        self._metadata = () if key is None else (("authorization", f"Bearer {key}"),)

    def stream(self) -> Any:
        call = self._channel.stream_stream(
            f"{SERVICE}/StreamingRecognize",
            messages.StreamingRequest.SerializeToString,
            messages.StreamingResponse.FromString,
        )
        return call(metadata=self._metadata, timeout=60)

    async def say(self, *requests: Any) -> list[Any]:
        """The results of a stream that sends all this and ends."""
        call = self.stream()
        for request in requests:
            await call.write(request)
        await call.done_writing()
        return [result async for response in call for result in response.results]

    async def recognize(self, audio: bytes, **fields: Any) -> Any:
        request = messages.RecognizeRequest(config=config(**fields), audio=audio)
        return await self._unary(f"{SERVICE}/Recognize", request, messages.RecognizeResponse)

    async def models(self, name: str = "") -> Any:
        request = messages.ConfigRequest(model_name=name)
        return await self._unary(f"{SERVICE}/GetRivaSpeechRecognitionConfig", request, messages.ConfigResponse)

    async def health(self, service: str = "") -> int:
        request = messages.HealthRequest(service=service)
        response = await self._unary("/grpc.health.v1.Health/Check", request, messages.HealthResponse)
        status: int = response.status
        return status

    def watch(self) -> Any:
        path = "/grpc.health.v1.Health/Watch"
        request, response = messages.HealthRequest, messages.HealthResponse
        return self._channel.unary_stream(path, request.SerializeToString, response.FromString)(request(), timeout=60)

    async def _unary(self, path: str, request: Any, response: Any) -> Any:
        call = self._channel.unary_unary(path, type(request).SerializeToString, response.FromString)
        return await call(request, metadata=self._metadata, timeout=60)


@asynccontextmanager
async def connected_stub(port: int, key: str | None = None, credentials: Any = None) -> AsyncIterator[Stub]:
    address = f"127.0.0.1:{port}" if credentials is None else f"localhost:{port}"
    aio = grpc.aio
    # No channel may share the connection of another test's.
    options = [("grpc.use_local_subchannel_pool", 1)]
    channel = (
        aio.insecure_channel(address, options)
        if credentials is None
        else aio.secure_channel(address, credentials, options)
    )
    async with channel:
        yield Stub(channel, key)

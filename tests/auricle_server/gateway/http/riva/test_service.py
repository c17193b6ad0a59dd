"""Riva's calls over real connections."""

from __future__ import annotations

import asyncio
import io
from contextlib import AsyncExitStack, suppress
from itertools import pairwise
from typing import Any

import grpc
import numpy as np
import pytest
import soundfile

from auricle_server.gateway.dialects.riva.messages import FLAC, MULAW, PCM, SERVING, StreamingRequest, entries
from tests.auricle_server.gateway.conftest import Serve
from tests.auricle_server.raw_client import until
from tests.support import tones
from tests.support.native_answer import native_answer
from tests.support.servers.riva import SERVICE, Stub, connected_stub, first, force_end, free_port, pieces

PCM16, TEXT = tones.utterance(5, 12, trailing=2.0)
SHORT, SAID = tones.utterance(11, 3, trailing=0.1)


def text(results: list[Any]) -> str:
    return " ".join(result.alternatives[0].transcript for result in results if result.alternatives[0].transcript)


async def failure(call: Any) -> Any:
    """The error with which a call ends."""
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await asyncio.wait_for(call, 60)
    return failed.value


async def test_words_and_ends_are_those_of_the_native_protocol(serve: Serve) -> None:
    port = free_port()
    async with serve(riva_port=port) as url, connected_stub(port) as stub:
        native = await native_answer(url, PCM16, turn={"mode": "silence", "silence_ms": 500})
        wanted = first(True, enable_word_time_offsets=True, enable_automatic_punctuation=True)
        results = await stub.say(wanted, *pieces(PCM16))
    finals = [result for result in results if result.is_final]
    assert text(finals) == TEXT
    words = [word for final in finals for word in final.alternatives[0].words]
    assert [(word.word, word.start_time, word.end_time) for word in words] == [
        (word, round(start * 1000), round(end * 1000)) for word, start, end in native.words
    ]
    assert len(finals) == len(native.turn_ends) > 1
    assert [final.audio_processed for final in finals] == pytest.approx(
        [end["audio_time"] for end in native.turn_ends], abs=1e-3
    )
    assert len(results) > len(finals), "interims were wanted"


async def test_a_forced_end_is_always_answered(stub: Stub) -> None:
    call = stub.stream()
    await call.write(first())
    for request in (*pieces(SHORT), force_end()):
        await call.write(request)
    [result] = (await call.read()).results
    assert (result.is_final, result.alternatives[0].transcript) == (True, SAID)
    await call.write(force_end())
    [empty] = (await call.read()).results
    assert (empty.is_final, empty.alternatives[0].transcript) == (True, "")
    await call.done_writing()
    assert await call.read() is grpc.aio.EOF
    assert await call.code() is grpc.StatusCode.OK


async def test_a_stream_without_audio_ends_well(stub: Stub) -> None:
    assert await stub.say(first()) == []
    assert text(await stub.say(first(), *pieces(bytes(32_000)))) == ""


@pytest.mark.parametrize(
    "requests",
    [(), (StreamingRequest(audio_content=b"\1\2"),), (first(encoding=FLAC),), (first(language_code="xx-XX"),)],
)
async def test_a_bad_first_request_is_refused(stub: Stub, requests: tuple[Any, ...]) -> None:
    assert (await failure(stub.say(*requests))).code() is grpc.StatusCode.INVALID_ARGUMENT
    assert text(await stub.say(first(), *pieces(PCM16))) == TEXT


async def test_a_message_that_is_too_big_ends_its_stream_alone(serve: Serve) -> None:
    port = free_port()
    async with serve(riva_port=port, message_bytes=10_000), connected_stub(port) as stub:
        error = await failure(stub.say(first(), StreamingRequest(audio_content=bytes(10_002))))
        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert error.details().startswith("message_too_big: ")
        assert text(await stub.say(first(), *pieces(PCM16))) == TEXT


async def test_keys(serve: Serve) -> None:
    port = free_port()
    async with serve(riva_port=port, api_keys=("right",)):
        for key in (None, "wrong"):
            async with connected_stub(port, key) as stub:
                for call in (stub.say(first()), stub.recognize(b""), stub.models()):
                    assert (await failure(call)).code() is grpc.StatusCode.UNAUTHENTICATED
                assert await stub.health() == SERVING
        async with connected_stub(port, "right") as stub:
            assert text(await stub.say(first(), *pieces(PCM16))) == TEXT


async def test_a_full_server_is_unavailable_and_takes_streams_again(serve: Serve) -> None:
    port = free_port()
    async with serve(riva_port=port) as url, connected_stub(port) as stub:
        async with AsyncExitStack() as held:
            for _ in range(6):
                call = stub.stream()
                held.callback(call.cancel)
                await call.write(first())
                for request in (*pieces(SHORT), force_end()):
                    await call.write(request)
                await call.read()
            for refused in (stub.say(first()), stub.recognize(PCM16.tobytes())):
                error = await failure(refused)
                assert error.code() is grpc.StatusCode.UNAVAILABLE
                metadata = dict(error.trailing_metadata())
                assert (metadata["auricle-error"], metadata["retry-after"]) == ("server_full", "2")
        answer: list[str] = []

        async def again() -> bool:
            with suppress(grpc.aio.AioRpcError):
                answer.append(text(await stub.say(first(), *pieces(PCM16))))
            return bool(answer)

        await until(again)
        assert answer == [TEXT]
        assert (await native_answer(url, PCM16)).text == TEXT


async def test_an_idle_stream_ends(serve: Serve) -> None:
    port = free_port()
    async with serve(riva_port=port, idle_seconds=0.5), connected_stub(port) as stub:
        call = stub.stream()
        await call.write(first())
        assert (await failure(call.read())).code() is grpc.StatusCode.DEADLINE_EXCEEDED


async def test_a_stream_without_a_request_ends(serve: Serve) -> None:
    port = free_port()
    async with serve(riva_port=port, start_seconds=0.3), connected_stub(port) as stub:
        error = await failure(stub.stream().read())
        assert (error.code(), "streaming_config" in error.details()) == (grpc.StatusCode.INVALID_ARGUMENT, True)


def recording(kind: str, channels: int = 1) -> bytes:
    file = io.BytesIO()
    samples = PCM16 if channels == 1 else np.stack([PCM16, np.zeros_like(PCM16)], 1)
    soundfile.write(file, samples, 16_000, format=kind)
    return file.getvalue()


@pytest.mark.parametrize(
    ("audio", "fields"),
    [
        (PCM16.tobytes(), {"encoding": PCM}),
        (recording("WAV"), {"encoding": 0}),
        (recording("WAV", 2), {"encoding": PCM, "audio_channel_count": 2}),
        (recording("FLAC"), {"encoding": FLAC}),
        (np.stack([PCM16, np.zeros_like(PCM16)], 1).tobytes(), {"encoding": PCM, "audio_channel_count": 2}),
    ],
    ids=["pcm", "wav", "stereo-wav", "flac", "stereo-pcm"],
)
async def test_recordings(stub: Stub, audio: bytes, fields: dict[str, Any]) -> None:
    response = await stub.recognize(audio, enable_word_time_offsets=True, **fields)
    assert text(response.results) == TEXT
    words = [word for result in response.results for word in result.alternatives[0].words]
    assert len(words) == len(TEXT.split())
    assert all(earlier.end_time <= later.start_time for earlier, later in pairwise(words))


async def test_a_recording_that_is_none_is_refused(stub: Stub) -> None:
    error = await failure(stub.recognize(b"not audio at all", encoding=FLAC))
    assert (error.code(), error.details().startswith("bad_audio: ")) == (grpc.StatusCode.INVALID_ARGUMENT, True)
    assert (await stub.recognize(b"", encoding=PCM)).results[:] == []
    assert text((await stub.recognize(PCM16.tobytes(), encoding=PCM)).results) == TEXT


async def test_telephone_audio(stub: Stub) -> None:
    assert await stub.say(first(encoding=MULAW, sample_rate_hertz=8_000), *pieces(b"\xff" * 16_000)) == []


async def test_the_models(stub: Stub) -> None:
    models = (await stub.models()).model_config
    parameters = entries(models[0].parameters)
    assert (parameters["type"], parameters["language_code"]) == ("online", "en-US")
    assert len((await stub.models(models[0].model_name)).model_config) == len(models)
    assert (await stub.models("another")).model_config[:] == []


async def test_health(stub: Stub) -> None:
    assert await stub.health() == await stub.health(SERVICE.strip("/")) == SERVING
    assert (await failure(stub.health("another"))).code() is grpc.StatusCode.NOT_FOUND
    watch = stub.watch()
    assert (await watch.read()).status == SERVING
    watch.cancel()

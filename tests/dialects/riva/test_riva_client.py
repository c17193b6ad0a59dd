"""NVIDIA's client, as it is published. It blocks, so it runs in a thread."""

from __future__ import annotations

import asyncio
import queue
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
import riva.client
import soundfile
from riva.client.proto import riva_asr_pb2

from tests.auricle_server.raw_client import connected_client, until
from tests.dialects.conftest import SCALE
from tests.dialects.riva.conftest import RivaServe
from tests.support import tones
from tests.support.native_answer import native_answer
from tests.support.servers.cutting_proxy import CuttingProxy

PCM, TEXT = tones.utterance(5, 12, trailing=2.0)
SHORT, SAID = tones.utterance(11, 3, trailing=0.1)


def service(address: str, key: str = "key") -> Any:
    # No channel may share the connection of another test's.
    options = [("grpc.use_local_subchannel_pool", 1)]
    metadata = [["authorization", f"Bearer {key}"], ["function-id", "any"]]
    return riva.client.ASRService(riva.client.Auth(uri=address, metadata_args=metadata, options=options))


def recognition(**fields: Any) -> Any:
    given = {
        "encoding": riva.client.AudioEncoding.LINEAR_PCM,
        "sample_rate_hertz": 16_000,
        "language_code": "en-US",
        "enable_word_time_offsets": True,
        "enable_automatic_punctuation": True,
        **fields,
    }
    return riva.client.RecognitionConfig(**given)


def streaming(**fields: Any) -> Any:
    return riva.client.StreamingRecognitionConfig(config=recognition(**fields), interim_results=True)


def pieces(audio: bytes) -> Iterator[bytes]:
    for at in range(0, len(audio), 3_201):
        yield audio[at : at + 3_201]


def transcribed(asr: Any, audio: bytes, config: Any = None) -> list[Any]:
    responses = asr.streaming_response_generator(pieces(audio), config or streaming())
    return [result for response in responses for result in response.results]


def text(results: list[Any]) -> str:
    finals = [result for result in results if getattr(result, "is_final", True)]
    return " ".join(final.alternatives[0].transcript for final in finals)


class Live:
    """A stream that goes on, and what has come from it."""

    def __init__(self, asr: Any) -> None:
        self.results: list[Any] = []
        self.error: grpc.RpcError | None = None
        self._audio: queue.Queue[bytes | None] = queue.Queue()
        self._asr = asr

    def send(self, audio: bytes) -> None:
        for piece in pieces(audio):
            self._audio.put(piece)

    def end(self) -> None:
        self._audio.put(None)

    def run(self) -> None:
        try:
            for response in self._asr.streaming_response_generator(iter(self._audio.get, None), streaming()):
                self.results.extend(response.results)
        except grpc.RpcError as error:
            self.error = error


@asynccontextmanager
async def live(asr: Any) -> AsyncIterator[tuple[Live, asyncio.Task[None]]]:
    stream = Live(asr)
    running = asyncio.create_task(asyncio.to_thread(stream.run))
    try:
        yield stream, running
    finally:
        stream.end()
        await asyncio.wait_for(running, 30)
        asr.auth.channel.close()


@pytest.mark.dialect("NVIDIA Riva client", "words")
@pytest.mark.dialect("NVIDIA Riva client", "turn ends")
async def test_words_and_turn_ends_are_those_of_the_native_protocol(riva_serve: RivaServe) -> None:
    async with riva_serve() as (url, address):
        native = await native_answer(url, PCM, turn={"mode": "silence", "silence_ms": 500})
        results = await asyncio.to_thread(transcribed, service(address), PCM.tobytes())
    finals = [result for result in results if result.is_final]
    assert text(results) == TEXT
    words = [word for final in finals for word in final.alternatives[0].words]
    assert [(word.word, word.start_time, word.end_time) for word in words] == [
        (word, round(start * 1000), round(end * 1000)) for word, start, end in native.words
    ]
    assert len(native.turn_ends) > 1
    ends = [end["audio_time"] for end in native.turn_ends]
    assert [final.audio_processed for final in finals] == pytest.approx(ends, abs=1e-3)
    assert all(final.alternatives[0].confidence > 0 for final in finals)


@pytest.mark.parametrize("kind", ["WAV", "FLAC"])
async def test_a_file_is_recognised_whole(riva_serve: RivaServe, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "talk"
    soundfile.write(path, PCM, 16_000, format=kind)
    config = recognition(encoding=riva.client.AudioEncoding.FLAC if kind == "FLAC" else 0)
    async with riva_serve() as (_, address):
        response = await asyncio.to_thread(service(address).offline_recognize, path.read_bytes(), config)
    assert text(list(response.results)) == TEXT


async def test_a_file_is_streamed_with_its_header(riva_serve: RivaServe, tmp_path: Path) -> None:
    path = tmp_path / "talk.wav"
    soundfile.write(path, PCM, 16_000)
    config = streaming(encoding=0, sample_rate_hertz=0)
    riva.client.add_audio_file_specs_to_config(config, path)

    def transcribe(asr: Any) -> list[Any]:
        with riva.client.AudioChunkFileIterator(path, 1_600) as audio:
            return [
                result for response in asr.streaming_response_generator(audio, config) for result in response.results
            ]

    async with riva_serve() as (_, address):
        results = await asyncio.to_thread(transcribe, service(address))
    assert text(results) == TEXT


async def test_boosting_endpointing_and_custom_settings(riva_serve: RivaServe) -> None:
    config = streaming()
    riva.client.add_word_boosting_to_config(config, ["was on", "that is"], 20.0)
    riva.client.add_endpoint_parameters_to_config(config, -1, -1.0, 800, 320, -1.0, -1.0)
    riva.client.add_custom_configuration_to_config(config, "latency_ms:80,anything:else")
    async with riva_serve() as (_, address):
        assert len(text(await asyncio.to_thread(transcribed, service(address), PCM.tobytes(), config)).split()) == 12


async def test_the_models_are_told(riva_serve: RivaServe) -> None:
    async with riva_serve() as (_, address):
        request = riva_asr_pb2.RivaSpeechRecognitionConfigRequest()
        stub = service(address).stub
        response = await asyncio.to_thread(stub.GetRivaSpeechRecognitionConfig, request)
    parameters = dict(response.model_config[0].parameters)
    assert (parameters["type"], parameters["language_code"]) == ("online", "en-US")


@pytest.mark.dialect("NVIDIA Riva client", "finalize")
async def test_a_forced_end_is_answered(riva_serve: RivaServe) -> None:
    answered = queue.Queue[int]()

    def requests() -> Iterator[Any]:
        kind = riva_asr_pb2.StreamingRecognizeRequest
        yield kind(streaming_config=streaming())
        for piece in pieces(SHORT.tobytes()):
            yield kind(audio_content=piece)
        for _ in range(2):
            yield kind(runtime_config={"force_eou": "true"})
            answered.get(timeout=30)

    def converse(asr: Any) -> list[str]:
        finals = []
        for response in asr.stub.StreamingRecognize(requests(), metadata=asr.auth.get_auth_metadata()):
            for result in response.results:
                if result.is_final:
                    finals.append(result.alternatives[0].transcript)
                    answered.put(1)
        return finals

    async with riva_serve() as (_, address):
        assert await asyncio.to_thread(converse, service(address)) == [SAID, ""]


@pytest.mark.dialect("NVIDIA Riva client", "wrong key")
async def test_a_wrong_key_is_refused(riva_serve: RivaServe) -> None:
    async with riva_serve(api_keys=("right",)) as (_, address):
        with pytest.raises(grpc.RpcError) as refused:
            await asyncio.to_thread(transcribed, service(address, "wrong"), PCM.tobytes())
        assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
        assert text(await asyncio.to_thread(transcribed, service(address, "right"), PCM.tobytes())) == TEXT


@pytest.mark.dialect("NVIDIA Riva client", "full server")
async def test_a_full_server_is_unavailable_and_takes_streams_again(riva_serve: RivaServe) -> None:
    async with riva_serve() as (url, address):
        async with AsyncExitStack() as held:
            for _ in range(6):
                await (await held.enter_async_context(connected_client(url))).start()
            with pytest.raises(grpc.RpcError) as refused:
                await asyncio.to_thread(transcribed, service(address), PCM.tobytes())
        assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
        assert text(await asyncio.to_thread(transcribed, service(address), PCM.tobytes())) == TEXT


@pytest.mark.dialect("NVIDIA Riva client", "cut connection")
async def test_a_cut_connection_is_an_error_and_frees_its_slot(riva_serve: RivaServe) -> None:
    async with riva_serve() as (_, address):
        proxy = CuttingProxy(f"ws://{address}", seed=1, cuts=0)
        async with proxy.running() as cut:
            there = cut.removeprefix("ws://")
            async with live(service(there)) as (stream, running):
                stream.send(PCM.tobytes())
                await until(lambda: TEXT in text(stream.results))
                proxy._cut()
                await asyncio.wait_for(asyncio.shield(running), 30)
                assert stream.error is not None
                assert stream.error.code() is grpc.StatusCode.UNAVAILABLE
            assert text(await asyncio.to_thread(transcribed, service(there), PCM.tobytes())) == TEXT


@pytest.mark.dialect("NVIDIA Riva client", "bad message")
async def test_a_bad_message_is_refused_in_words(riva_serve: RivaServe) -> None:
    async with riva_serve() as (_, address):
        for config in (streaming(sample_rate_hertz=1), streaming(language_code="xx-XX"), streaming(encoding=2)):
            with pytest.raises(grpc.RpcError) as refused:
                await asyncio.to_thread(transcribed, service(address), PCM.tobytes(), config)
            assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
            assert refused.value.details().startswith("invalid_field: ")


@pytest.mark.dialect("NVIDIA Riva client", "silence")
async def test_silence_has_no_words(riva_serve: RivaServe) -> None:
    async with riva_serve() as (_, address):
        assert await asyncio.to_thread(transcribed, service(address), bytes(10 * 32_000)) == []


@pytest.mark.dialect("NVIDIA Riva client", "hour of silence")
async def test_an_hour_of_silence_keeps_a_stream(riva_serve: RivaServe, fast_server_clock: Callable[[], float]) -> None:
    async with riva_serve(idle_seconds=600.0) as (_, address), live(service(address)) as (stream, running):
        hour = fast_server_clock() + 3_600
        while fast_server_clock() < hour:
            stream.send(bytes(640))
            await asyncio.sleep(20 / SCALE)
        stream.send(PCM.tobytes())
        stream.end()
        await asyncio.wait_for(asyncio.shield(running), 60)
        assert (text(stream.results), stream.error) == (TEXT, None)

"""Deepgram's SDK on live streams, as it is published."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import numpy as np
import pytest
from deepgram.core.api_error import ApiError
from deepgram.listen.v1.types import ListenV1Configure, ListenV1Metadata, ListenV1Results

from tests.auricle_server.gateway.conftest import Serve
from tests.auricle_server.raw_client import until
from tests.dialects.conftest import SCALE
from tests.support import tones
from tests.support.adapters.deepgram_sdk import OpenStream, sdk
from tests.support.formats.containers import file_of, opus_in
from tests.support.native_answer import native_answer
from tests.support.servers.cutting_proxy import CuttingProxy

PCM, TEXT = tones.utterance(5, 12, trailing=2.0)
TURN = {"mode": "silence", "silence_ms": 500}
LIVE: dict[str, Any] = {"model": "nova-3", "encoding": "linear16", "sample_rate": 16_000, "endpointing": 500}


class Live(OpenStream):
    """An open stream, and its words."""

    @property
    def finals(self) -> list[ListenV1Results]:
        return [message for message in self.of("Results") if message.is_final]

    @property
    def text(self) -> str:
        return " ".join(filter(None, (final.channel.alternatives[0].transcript for final in self.finals)))


@asynccontextmanager
async def live(url: str, **options: Any) -> AsyncIterator[Live]:
    async with sdk(url).listen.v1.connect(**{**LIVE, **options}) as socket:
        stream = Live(socket)
        try:
            yield stream
        finally:
            stream.listening.cancel()


@pytest.mark.dialect("Deepgram SDK, live", "words")
@pytest.mark.dialect("Deepgram SDK, live", "turn ends")
async def test_words_and_turn_ends_are_those_of_the_native_protocol(url: str) -> None:
    native = await native_answer(url, PCM, turn=TURN)
    async with live(url, interim_results=True, punctuate=True, vad_events=True, utterance_end_ms=1000) as stream:
        await stream.send(PCM.tobytes())
        await stream.close()
    words = [word for final in stream.finals for word in final.channel.alternatives[0].words]
    assert (stream.text, stream.errors) == (TEXT, [])
    assert [(word.punctuated_word, word.start, word.end) for word in words] == native.words
    assert all(word.confidence > 0 for word in words)
    ends = [final for final in stream.finals if final.speech_final]
    assert len(ends) == len(native.turn_ends) > 1
    assert [end.start + end.duration for end in ends] == pytest.approx(native.settled, abs=1e-3)
    starts = [final.start for final in stream.finals]
    assert starts[1:] == pytest.approx([final.start + final.duration for final in stream.finals[:-1]], abs=1e-3)
    assert len(stream.of("SpeechStarted")) == len(ends)
    assert stream.of("UtteranceEnd")[-1].last_word_end == words[-1].end
    assert any(not message.is_final for message in stream.of("Results"))


async def test_words_are_written_as_the_client_asks_for(url: str) -> None:
    replaced = [{"search": "the", "replacement": "Das Wort"}, {"search": "of"}]
    native = await native_answer(url, PCM, turn=TURN, text_format={"numbers": "smart", "replace": replaced})
    async with live(url, smart_format=True, replace=["the:Das Wort", "of"]) as stream:
        await stream.send(PCM.tobytes())
        await stream.socket.send_configure(ListenV1Configure(features={"profanity_filter": True}))
        await stream.close()
    words = [word for final in stream.finals for word in final.channel.alternatives[0].words]
    assert [(word.punctuated_word, word.start, word.end) for word in words] == native.words
    assert stream.text == " ".join(word for word, _, _ in native.words) != TEXT
    assert stream.of("ConfigureSuccess")


async def test_the_last_message_sums_up(url: str) -> None:
    async with live(url) as stream:
        await stream.send(PCM.tobytes())
        await stream.close()
    metadata = stream.messages[-1]
    assert isinstance(metadata, ListenV1Metadata)
    assert metadata.duration == pytest.approx(len(PCM) / 16_000, abs=0.2)
    assert metadata.channels == 1
    assert {final.metadata.request_id for final in stream.finals} == {metadata.request_id}
    assert all(message.type != "Results" or message.is_final for message in stream.messages), "no interims were wanted"


@pytest.mark.dialect("Deepgram SDK, live", "finalize")
async def test_finalize_is_always_answered(url: str) -> None:
    audio, text = tones.utterance(11, 3, trailing=0.1)
    async with live(url) as stream:
        await stream.send(audio.tobytes())
        await stream.socket.send_finalize()
        await until(lambda: any(final.from_finalize for final in stream.finals))
        assert stream.text == text
        await stream.socket.send_finalize()
        await until(lambda: sum(final.from_finalize or False for final in stream.finals) == 2)
        assert stream.text == text
        await stream.close()


@pytest.mark.dialect("Deepgram SDK, live", "wrong key")
async def test_a_wrong_key_is_refused(serve: Serve) -> None:
    async with serve(api_keys=("right",)) as url:
        with pytest.raises(ApiError) as refused:
            async with sdk(url, "wrong").listen.v1.connect(**LIVE):
                pass
        assert refused.value.status_code == 401
        async with sdk(url, "right").listen.v1.connect(**LIVE) as socket:
            await Live(socket).close()


@pytest.mark.dialect("Deepgram SDK, live", "full server")
async def test_a_full_server_is_busy_and_takes_streams_again(serve: Serve) -> None:
    async with serve(api_keys=("key",)) as url:
        async with AsyncExitStack() as held:
            for _ in range(6):
                await held.enter_async_context(live(url))
            with pytest.raises(ApiError) as refused:
                async with live(url):
                    pass
        assert refused.value.status_code == 503
        async with live(url) as stream:
            await stream.send(PCM.tobytes())
            await stream.close()
        assert stream.text == TEXT


@pytest.mark.dialect("Deepgram SDK, live", "cut connection")
async def test_a_cut_connection_is_an_error_and_frees_its_slot(url: str) -> None:
    proxy = CuttingProxy(url, seed=1, cuts=0)
    async with proxy.running() as cut:
        async with live(cut) as stream:
            await stream.send(PCM.tobytes())
            await until(lambda: bool(stream.finals))
            proxy._cut()
            await asyncio.wait_for(stream.listening, 30)
        assert len(stream.errors) == 1
        async with live(cut) as stream:
            await stream.send(PCM.tobytes())
            await stream.close()
    assert (stream.text, stream.errors) == (TEXT, [])


@pytest.mark.dialect("Deepgram SDK, live", "bad message")
async def test_a_bad_message_is_answered_and_the_stream_goes_on(url: str) -> None:
    async with live(url) as stream:
        for text in ("{", "[]", '{"type":"Nonsense"}', '{"type":"Configure","keyterms":3}', "[" * 100_000):
            await stream.socket._send(text)
        await stream.send(PCM.tobytes())
        await stream.close()
    assert [error.variant for error in stream.of("Error")] == ["SchemaError"] * 5
    assert stream.text == TEXT


@pytest.mark.dialect("Deepgram SDK, live", "silence")
async def test_silence_has_no_words(url: str) -> None:
    async with live(url, interim_results=True, vad_events=True, utterance_end_ms=1000) as stream:
        await stream.send(bytes(10 * 32_000))
        await stream.socket.send_finalize()
        await stream.close()
    assert [message.type for message in stream.messages] == ["Results", "Metadata"]
    assert (stream.text, stream.finals[0].from_finalize) == ("", True)


@pytest.mark.dialect("Deepgram SDK, live", "hour of silence")
async def test_an_hour_of_keep_alives_keeps_a_stream(serve: Serve, fast_server_clock: Callable[[], float]) -> None:
    async with serve(idle_seconds=600.0) as url, live(url) as stream:
        until_then = fast_server_clock() + 3_600
        while fast_server_clock() < until_then:
            await stream.socket.send_keep_alive()
            await asyncio.sleep(5 / SCALE)
        await stream.send(PCM.tobytes())
        await stream.close()
    assert stream.text == TEXT


async def test_a_stream_without_a_sign_of_life_is_closed(serve: Serve, fast_server_clock: Callable[[], float]) -> None:
    async with serve(idle_seconds=60.0) as url, live(url) as stream:
        await asyncio.wait_for(stream.listening, 30)
    assert [error.variant for error in stream.of("Error")] == ["NET-0001"]


async def test_key_terms_change_within_a_stream(url: str) -> None:
    async with live(url, keyterm=["was on"], keywords=["they:2", "his:-1"]) as stream:
        await stream.socket.send_configure(ListenV1Configure(keyterms=["that is", "for it"]))
        await until(lambda: bool(stream.of("ConfigureSuccess")))
        assert stream.of("ConfigureSuccess")[0].keyterms == ["that is", "for it"]
        await stream.socket.send_configure(ListenV1Configure(keyterms=["x" * 1_000]))
        await until(lambda: bool(stream.of("ConfigureFailure")))
        assert stream.of("ConfigureFailure")[0].code == "CONFIGURE_KEYTERM_LIMIT_EXCEEDED"
        await stream.socket.send_configure(ListenV1Configure(features={"numerals": True}))
        await until(lambda: len(stream.of("ConfigureSuccess")) == 2)
        await stream.send(PCM.tobytes())
        await stream.close()


@pytest.mark.parametrize(
    ("recording", "options"),
    [
        (lambda: opus_in("webm", PCM), {}),
        (lambda: opus_in("ogg", PCM), {"encoding": "ogg-opus"}),
        (lambda: file_of("MP3", PCM), {}),
        (lambda: file_of("FLAC", PCM), {"encoding": "flac"}),
        (lambda: file_of("WAV", PCM), {}),
    ],
    ids=["webm", "ogg", "mp3", "flac", "wav"],
)
async def test_audio_in_containers(url: str, recording: Callable[[], bytes], options: dict[str, str]) -> None:
    given = {name: value for name, value in LIVE.items() if name not in {"encoding", "sample_rate"}}
    async with sdk(url).listen.v1.connect(**{**given, **options}) as socket:
        stream = Live(socket)
        await stream.send(recording(), piece=1_000)
        await stream.close()
    assert (stream.text, stream.errors) == (TEXT, [])


async def test_audio_that_is_none_ends_the_stream_in_words(url: str) -> None:
    async with sdk(url).listen.v1.connect(model="nova-3") as socket:
        stream = Live(socket)
        await stream.send(b"no audio at all")
        await asyncio.wait_for(stream.listening, 30)
    [error] = stream.of("Error")
    assert (error.variant, "encoding" in error.description) == ("DATA-0000", True)


@pytest.mark.parametrize("encoding", ["linear16", "linear32", "mulaw", "alaw"])
async def test_channels_are_mixed(url: str, encoding: str) -> None:
    samples = np.stack([PCM, PCM], axis=1)
    coded = {
        "linear16": samples.astype("<i2").tobytes(),
        "linear32": (samples.astype("<i4") << 16).tobytes(),
        "mulaw": file_of("RAW", samples, subtype="ULAW"),
        "alaw": file_of("RAW", samples, subtype="ALAW"),
    }
    async with live(url, encoding=encoding, channels=2) as stream:
        await stream.send(coded[encoding])
        await stream.close()
    assert stream.text == TEXT


async def test_phrases_are_replaced(url: str) -> None:
    async with live(url, replace=["is his:is hers"], numerals=True) as stream:
        await stream.send(PCM.tobytes())
        await stream.close()
    assert stream.text == TEXT.replace("is his", "is hers")

"""LiveKit's plugin for OpenAI over its realtime transcription, in a real session and alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aiohttp
import numpy as np
import pytest
from livekit.agents import APIConnectOptions, APIError
from livekit.agents.stt import SpeechEventType
from livekit.plugins import openai

from tests.auricle_server.gateway.conftest import Serve
from tests.auricle_server.raw_client import connected_client, until
from tests.dialects.conftest import SCALE
from tests.support import tones
from tests.support.adapters.livekit_session import EnergyVAD, listening
from tests.support.adapters.livekit_stream import Heard
from tests.support.levels import Audio
from tests.support.native_answer import native_answer
from tests.support.servers.cutting_proxy import CuttingProxy

PCM, TEXT = tones.utterance(5, 12, trailing=2.0)
FINAL, END = SpeechEventType.FINAL_TRANSCRIPT, SpeechEventType.END_OF_SPEECH
START, INTERIM = SpeechEventType.START_OF_SPEECH, SpeechEventType.INTERIM_TRANSCRIPT
RETRIES = APIConnectOptions(max_retry=30, retry_interval=0.1, timeout=10)
CHUNK = 2_560
"""Samples of a chunk: after whole chunks of silence the audio falls into the same chunks as without."""
SERVER_VAD: dict[str, Any] = {"type": "server_vad", "silence_duration_ms": 500}


@asynccontextmanager
async def service(url: str, key: str = "key", **given: Any) -> AsyncIterator[openai.STT]:
    options: dict[str, Any] = {"turn_detection": SERVER_VAD, "use_realtime": True, **given}
    stt = openai.STT(api_key=key, base_url=url.replace("ws", "http", 1) + "/v1", **options)
    async with aiohttp.ClientSession() as http:
        stt._session = http
        try:
            yield stt
        finally:
            await stt.aclose()


@asynccontextmanager
async def opened(stt: openai.STT) -> AsyncIterator[Heard]:
    heard = Heard(stt.stream(conn_options=RETRIES))
    try:
        yield heard
    finally:
        await heard.stream.aclose()
        heard.task.cancel()


@asynccontextmanager
async def plugged(url: str, key: str = "key", **given: Any) -> AsyncIterator[Heard]:
    async with service(url, key, **given) as stt, opened(stt) as heard:
        yield heard


@pytest.mark.dialect("LiveKit openai.STT, realtime", "words")
@pytest.mark.dialect("LiveKit openai.STT, realtime", "turn ends")
async def test_words_and_turn_ends_are_those_of_the_native_protocol(url: str) -> None:
    native = await native_answer(url, PCM, turn={"mode": "silence", "silence_ms": 500})
    async with plugged(url) as heard:
        heard.speak(PCM)
        await until(lambda: heard.text == TEXT)
        finals = [final.alternatives[0] for final in heard.of(FINAL)]
        assert [final.text for final in finals] == [end["text"] for end in native.turn_ends]
        assert {final.language for final in finals} == {"en"}
        order = [event.type for event in heard.of(START, FINAL, END)]
        assert order == [START, END, FINAL] * len(native.turn_ends)
        seconds = [event.recognition_usage.audio_duration for event in heard.events if event.recognition_usage]
        expected = [
            end["audio_time"] - final["start"] for end, final in zip(native.turn_ends, native.finals, strict=True)
        ]
        # LiveKit resamples to 24 kHz, so a turn may end a chunk earlier or later than on the audio as it is.
        assert [second for second in seconds if second] == pytest.approx(expected, abs=0.17)


async def test_a_session_takes_turns(url: str) -> None:
    pcm, said = tones.utterance(11, 3, trailing=1.5)
    async with (
        service(url, turn_detection={"type": "server_vad", "silence_duration_ms": 600}) as stt,
        listening(Audio(pcm, 16_000, ()), stt=stt, turn_detection="stt") as heard,
    ):
        await heard.until(lambda: heard.settled and heard.turns != [])
        assert " ".join(heard.turns) == said
        assert heard.errors == []


@pytest.mark.dialect("LiveKit openai.STT, realtime", "finalize")
async def test_what_the_plugin_commits_is_completed(url: str) -> None:
    pcm, said = tones.utterance(11, 3, trailing=1.0)
    async with plugged(url, model="gpt-realtime-whisper", turn_detection=None, vad=EnergyVAD(0.6)) as heard:
        heard.speak(pcm)
        await until(lambda: heard.text == said)
        assert [event.type for event in heard.of(START, FINAL, END)] == [START, END, FINAL]


async def spoken(heard: Heard) -> None:
    await until(lambda: heard.text == TEXT)


async def test_a_socket_is_used_for_several_streams(url: str) -> None:
    async with service(url) as stt:
        for _ in range(2):
            async with opened(stt) as heard:
                heard.speak(PCM)
                await spoken(heard)


@pytest.mark.dialect("LiveKit openai.STT, realtime", "wrong key")
async def test_a_wrong_key_is_an_error(serve: Serve) -> None:
    async with serve(api_keys=("right",)) as url, service(url, "wrong") as stt:
        heard = Heard(stt.stream(conn_options=APIConnectOptions(max_retry=0, timeout=10)))
        with pytest.raises((APIError, aiohttp.WSServerHandshakeError), match=r"401|connect"):
            await asyncio.wait_for(heard.task, 30)
        await heard.stream.aclose()


@pytest.mark.dialect("LiveKit openai.STT, realtime", "full server")
async def test_a_full_server_is_busy_and_takes_streams_again(url: str) -> None:
    async with service(url) as stt:
        async with AsyncExitStack() as held:
            for _ in range(6):
                await (await held.enter_async_context(connected_client(url))).start()
            heard = Heard(stt.stream(conn_options=RETRIES))
            # The plugin tries again after a cut, and not after a refused handshake, whatever its status.
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await asyncio.wait_for(heard.task, 30)
            assert refused.value.status == 503
            await heard.stream.aclose()
        async with opened(stt) as heard:
            heard.speak(PCM)
            await until(lambda: heard.text == TEXT)


@pytest.mark.dialect("LiveKit openai.STT, realtime", "cut connection")
async def test_a_cut_connection_is_opened_again(url: str) -> None:
    proxy = CuttingProxy(url, seed=1, cuts=0)
    async with proxy.running() as cut, service(cut) as stt:
        failed: list[Any] = []
        stt.on("error", failed.append)
        async with opened(stt) as heard:
            heard.speak(PCM)
            await until(lambda: heard.text == TEXT)
            proxy._cut()
            await until(lambda: bool(failed))
            pcm, said = tones.utterance(11, 3, trailing=1.0)
            heard.speak(pcm)
            await until(lambda: heard.text == f"{TEXT} {said}")


@pytest.mark.dialect("LiveKit openai.STT, realtime", "silence")
async def test_silence_has_no_words(url: str) -> None:
    async with plugged(url) as heard:
        heard.speak(np.zeros(30 * CHUNK, np.int16))
        heard.speak(PCM)
        await until(lambda: heard.text == TEXT)
        assert [event.type for event in heard.of(START, FINAL, END)] == [START, END, FINAL] * 2


@pytest.mark.dialect("LiveKit openai.STT, realtime", "hour of silence")
async def test_an_hour_of_silence_keeps_the_stream(serve: Serve, fast_server_clock: Callable[[], float]) -> None:
    async with serve(idle_seconds=3_000.0, start_seconds=3_000.0) as url, plugged(url) as heard:
        until_then = fast_server_clock() + 3_600
        while fast_server_clock() < until_then:
            heard.speak(np.zeros(CHUNK, np.int16))
            await asyncio.sleep(5 / SCALE)
        heard.speak(PCM)
        await until(lambda: heard.text == TEXT)

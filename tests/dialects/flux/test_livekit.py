"""LiveKit's plugin for Flux, in a real session and alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aiohttp
import numpy as np
import pytest
from livekit.agents import APIConnectOptions, APIStatusError
from livekit.agents.stt import SpeechEventType
from livekit.plugins import deepgram

from tests.auricle_server.gateway.conftest import Serve
from tests.auricle_server.raw_client import connected_client, until
from tests.dialects.conftest import SCALE
from tests.support import tones
from tests.support.adapters.livekit_session import listening
from tests.support.adapters.livekit_stream import Heard
from tests.support.levels import Audio
from tests.support.native_answer import native_answer
from tests.support.servers.cutting_proxy import CuttingProxy

PCM, TEXT = tones.utterance(5, 12, trailing=2.0)
FINAL, END = SpeechEventType.FINAL_TRANSCRIPT, SpeechEventType.END_OF_SPEECH
START, PREFLIGHT = SpeechEventType.START_OF_SPEECH, SpeechEventType.PREFLIGHT_TRANSCRIPT
RETRIES = APIConnectOptions(max_retry=30, retry_interval=0.1, timeout=10)


@asynccontextmanager
async def plugged(url: str, key: str = "key", **given: Any) -> AsyncIterator[Heard]:
    options: dict[str, Any] = {"eot_threshold": 1.0, "eot_timeout_ms": 500, **given}
    async with aiohttp.ClientSession() as http:
        stt = deepgram.STTv2(api_key=key, base_url=f"{url}/v2/listen", http_session=http, **options)
        stream = stt.stream(conn_options=RETRIES)
        heard = Heard(stream)
        try:
            yield heard
        finally:
            await stream.aclose()
            heard.task.cancel()


@pytest.mark.dialect("LiveKit deepgram.STTv2", "words")
@pytest.mark.dialect("LiveKit deepgram.STTv2", "turn ends")
async def test_words_and_turn_ends_are_those_of_the_native_protocol(url: str) -> None:
    native = await native_answer(url, PCM, turn={"mode": "silence", "silence_ms": 500})
    async with plugged(url) as heard:
        heard.speak(PCM)
        await until(lambda: heard.text == TEXT)
        await heard.end()
    finals = [final.alternatives[0] for final in heard.of(FINAL)]
    assert [final.text for final in finals] == [end["text"] for end in native.turn_ends]
    assert [final.end_time for final in finals] == pytest.approx(
        [end["audio_time"] for end in native.turn_ends], abs=1e-4
    )
    words = [word for final in finals for word in final.words or ()]
    assert [str(word) for word in words] == [text for text, *_ in native.words]
    assert [word.start_time for word in words] == pytest.approx([start for _, start, _ in native.words], abs=1e-4)
    assert all(0 < final.confidence <= 1 for final in finals)
    order = [event.type for event in heard.of(START, FINAL, END)]
    assert order == [START, FINAL, END] * len(native.turn_ends)


async def test_a_session_answers_early_and_takes_turns(url: str) -> None:
    pcm, said = tones.utterance(11, 3, trailing=3.0)
    async with aiohttp.ClientSession() as http:
        thresholds: dict[str, Any] = {"eager_eot_threshold": 0.45, "eot_threshold": 0.6, "eot_timeout_ms": 3000}
        stt = deepgram.STTv2(api_key="key", base_url=f"{url}/v2/listen", http_session=http, **thresholds)
        async with listening(Audio(pcm, 16_000, ()), stt=stt, turn_detection="stt") as heard:
            await heard.until(lambda: heard.settled and heard.turns != [])
            assert " ".join(heard.turns) == said
            assert heard.model.asked[-1].endswith(said.split()[-1])
            assert heard.errors == []


async def test_an_eager_end_is_a_preflight_with_the_words_of_the_final(url: str) -> None:
    pcm, said = tones.utterance(11, 3, trailing=3.0)
    async with plugged(url, eager_eot_threshold=0.5, eot_threshold=0.6, eot_timeout_ms=3000) as heard:
        heard.speak(pcm)
        await until(lambda: heard.text == said)
        assert heard.of(PREFLIGHT)[-1].alternatives[0].text == heard.of(FINAL)[-1].alternatives[0].text


@pytest.mark.dialect("LiveKit deepgram.STTv2", "wrong key")
async def test_a_wrong_key_is_not_tried_again(serve: Serve) -> None:
    async with serve(api_keys=("right",)) as url, plugged(url, "wrong") as heard:
        with pytest.raises(APIStatusError) as refused:
            await asyncio.wait_for(heard.task, 30)
        assert (refused.value.status_code, refused.value.retryable) == (401, False)


@pytest.mark.dialect("LiveKit deepgram.STTv2", "full server")
async def test_a_full_server_is_tried_again(url: str) -> None:
    async with AsyncExitStack() as held:
        for _ in range(6):
            await (await held.enter_async_context(connected_client(url))).start()
        async with plugged(url) as heard:
            refused: list[Any] = []
            heard.stream._stt.on("error", refused.append)
            await until(lambda: bool(refused))
            await held.aclose()
            heard.speak(PCM)
            await until(lambda: heard.text == TEXT)


@pytest.mark.dialect("LiveKit deepgram.STTv2", "cut connection")
async def test_a_cut_connection_is_opened_again(url: str) -> None:
    proxy = CuttingProxy(url, seed=1, cuts=0)
    async with proxy.running() as cut, plugged(cut) as heard:
        heard.speak(PCM)
        await until(lambda: heard.text == TEXT)
        failed: list[Any] = []
        heard.stream._stt.on("error", failed.append)
        proxy._cut()
        await until(lambda: bool(failed))
        pcm, said = tones.utterance(11, 3, trailing=1.0)
        heard.speak(pcm)
        await until(lambda: heard.text == f"{TEXT} {said}")


async def test_options_change_within_a_stream(url: str) -> None:
    pcm, said = tones.utterance(11, 3, trailing=1.0)
    async with plugged(url, eot_timeout_ms=9000) as heard:
        heard.speak(pcm)
        await until(lambda: bool(heard.of(START)))
        assert isinstance(heard.stream, deepgram.SpeechStreamv2)
        heard.stream.update_options(eot_timeout_ms=500, keyterm=["was on"])
        heard.speak(np.zeros(16_000, np.int16))
        await until(lambda: heard.text == said)


@pytest.mark.dialect("LiveKit deepgram.STTv2", "silence")
async def test_silence_has_no_words(url: str) -> None:
    async with plugged(url) as heard:
        heard.speak(np.zeros(5 * 16_000, np.int16))
        await heard.end()
    assert {event.type for event in heard.events} <= {SpeechEventType.RECOGNITION_USAGE}


@pytest.mark.dialect("LiveKit deepgram.STTv2", "hour of silence")
async def test_an_hour_of_silence_keeps_the_stream(serve: Serve, fast_server_clock: Callable[[], float]) -> None:
    async with serve(idle_seconds=3_000.0) as url, plugged(url) as heard:
        until_then = fast_server_clock() + 3_600
        while fast_server_clock() < until_then:
            heard.speak(np.zeros(960, np.int16))
            await asyncio.sleep(5 / SCALE)
        heard.speak(PCM)
        await until(lambda: heard.text == TEXT)

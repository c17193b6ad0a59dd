"""LiveKit's plugin for Deepgram, live, in a real session and alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from types import SimpleNamespace
from typing import Any

import aiohttp
import numpy as np
import pytest
from livekit.agents import APIConnectOptions, APIStatusError
from livekit.agents.stt import SpeechEventType
from livekit.plugins import deepgram
from livekit.plugins.deepgram import stt as module

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
RETRIES = APIConnectOptions(max_retry=30, retry_interval=0.1, timeout=10)


@asynccontextmanager
async def plugged(
    url: str, key: str = "key", options: APIConnectOptions = RETRIES, **given: Any
) -> AsyncIterator[Heard]:
    base_url = url.replace("ws", "http", 1) + "/v1/listen"
    async with aiohttp.ClientSession() as http:
        stt = deepgram.STT(api_key=key, base_url=base_url, http_session=http, **{"endpointing_ms": 500, **given})
        stream = stt.stream(conn_options=RETRIES)
        heard = Heard(stream)
        try:
            yield heard
        finally:
            await stream.aclose()
            heard.task.cancel()


@pytest.mark.dialect("LiveKit deepgram.STT", "words")
@pytest.mark.dialect("LiveKit deepgram.STT", "turn ends")
async def test_words_and_turn_ends_are_those_of_the_native_protocol(url: str) -> None:
    native = await native_answer(url, PCM, turn={"mode": "silence", "silence_ms": 500})
    async with plugged(url) as heard:
        heard.speak(PCM)
        await heard.end()
    finals = [final.alternatives[0] for final in heard.of(FINAL)]
    assert heard.text == TEXT
    words = [word for final in finals for word in final.words or ()]
    assert [str(word) for word in words] == [text for text, _, _ in native.words]
    # The plugin adds the microseconds for which the connection has been open already.
    assert [word.start_time for word in words] == pytest.approx([start for _, start, _ in native.words], abs=1e-3)
    order = [event.type for event in heard.events if event.type in {FINAL, END}]
    assert order == [FINAL, END] * len(native.turn_ends), "speech ends with the final that ends its turn"
    assert all(final.confidence > 0 for final in finals)


async def test_a_session_takes_turns(url: str) -> None:
    base_url = url.replace("ws", "http", 1) + "/v1/listen"
    async with aiohttp.ClientSession() as http:
        stt = deepgram.STT(api_key="key", base_url=base_url, http_session=http, endpointing_ms=600)
        pcm, said = tones.utterance(11, 3, trailing=1.5)
        async with listening(Audio(pcm, 16_000, ()), stt=stt, turn_detection="stt") as heard:
            await heard.until(lambda: heard.settled and heard.turns != [])
            assert " ".join(heard.turns) == said
            assert heard.model.asked[-1].endswith(said.split()[-1])
            assert heard.errors == []


@pytest.mark.dialect("LiveKit deepgram.STT", "finalize")
async def test_a_flush_is_answered(url: str) -> None:
    pcm, said = tones.utterance(11, 3, trailing=0.1)
    async with plugged(url) as heard:
        heard.speak(pcm)
        heard.stream.flush()
        await until(lambda: heard.text == said)
        await heard.end()
    assert heard.text == said


@pytest.mark.dialect("LiveKit deepgram.STT", "wrong key")
async def test_a_wrong_key_is_not_tried_again(serve: Serve) -> None:
    async with serve(api_keys=("right",)) as url, plugged(url, "wrong") as heard:
        with pytest.raises(APIStatusError) as refused:
            await asyncio.wait_for(heard.task, 30)
        assert (refused.value.status_code, refused.value.retryable) == (401, False)


@pytest.mark.dialect("LiveKit deepgram.STT", "full server")
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
            await heard.end()
            assert heard.text == TEXT


@pytest.mark.dialect("LiveKit deepgram.STT", "cut connection")
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
        await asyncio.sleep(0.5)  # what is sent while there is no connection is lost
        heard.speak(pcm)
        await heard.end()
        assert heard.text == f"{TEXT} {said}"


@pytest.mark.dialect("LiveKit deepgram.STT", "silence")
async def test_silence_has_no_words(url: str) -> None:
    async with plugged(url) as heard:
        heard.speak(np.zeros(5 * 16_000, np.int16))
        await heard.end()
    assert {event.type for event in heard.events} <= {SpeechEventType.RECOGNITION_USAGE}


@pytest.mark.dialect("LiveKit deepgram.STT", "hour of silence")
async def test_an_hour_without_audio_keeps_the_stream(
    serve: Serve, fast_server_clock: Callable[[], float], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def sleep(seconds: float) -> None:
        await asyncio.sleep(seconds / SCALE)

    others = {name: getattr(asyncio, name) for name in dir(asyncio) if not name.startswith("_")}
    monkeypatch.setattr(module, "asyncio", SimpleNamespace(**{**others, "sleep": sleep}))
    async with serve(idle_seconds=600.0) as url, plugged(url) as heard:
        begun = fast_server_clock()
        await until(lambda: fast_server_clock() > begun + 3_600)
        heard.speak(PCM)
        await heard.end()
        assert heard.text == TEXT

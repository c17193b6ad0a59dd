"""LiveKit's plugin for OpenAI, which uploads each turn, in a real session and alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import numpy as np
import pytest
from livekit import rtc
from livekit.agents import APIConnectOptions, APIStatusError, vad
from livekit.agents.stt import SpeechData
from livekit.plugins import openai

from tests.auricle_server.gateway.conftest import Serve
from tests.auricle_server.gateway.http.files.uploads import metric
from tests.auricle_server.raw_client import connected_client, until
from tests.support import tones
from tests.support.adapters.livekit_session import EnergyVAD, frames, listening
from tests.support.levels import Audio
from tests.support.native_answer import native_answer
from tests.support.servers.cutting_proxy import CuttingProxy

PCM, TEXT = tones.utterance(5, 12)
SPOKEN = Audio(PCM, 16_000, ())
RETRIES = APIConnectOptions(max_retry=30, retry_interval=0.1, timeout=10)
ONCE = APIConnectOptions(max_retry=0, timeout=10)


class RecordingVAD(EnergyVAD):
    """Gives each stretch of speech to who transcribes it, as Silero's does."""

    def stream(self) -> vad.VADStream:
        return _RecordingStream(self)


class _RecordingStream(vad.VADStream):
    def __init__(self, owner: RecordingVAD) -> None:
        super().__init__(owner)
        self._detector = EnergyVAD.stream(owner)

    async def _main_task(self) -> None:
        forward = asyncio.create_task(self._forward())
        try:
            await self._tell()
        finally:
            forward.cancel()
            await self._detector.aclose()

    async def _forward(self) -> None:
        self._heard: list[rtc.AudioFrame] = []
        async for frame in self._input_ch:
            if isinstance(frame, rtc.AudioFrame):
                self._heard.append(frame)
                self._detector.push_frame(frame)
        self._detector.end_input()

    async def _tell(self) -> None:
        async for event in self._detector:
            if event.type is vad.VADEventType.END_OF_SPEECH:
                event.frames, self._heard = self._heard, []
            self._event_ch.send_nowait(event)


@asynccontextmanager
async def plugged(url: str, key: str = "key", **options: Any) -> AsyncIterator[openai.STT]:
    base_url = url.replace("ws", "http", 1) + "/v1"
    stt = openai.STT(api_key=key, base_url=base_url, use_realtime=False, **options)
    try:
        yield stt
    finally:
        await stt.aclose()
        await stt._client.close()  # the plugin leaves it open


async def recognized(stt: openai.STT, audio: Audio = SPOKEN, options: APIConnectOptions = RETRIES) -> SpeechData:
    event = await stt.recognize(frames(audio), conn_options=options)
    return event.alternatives[0]


@pytest.mark.dialect("LiveKit openai.STT, files", "words")
async def test_words_are_those_of_the_native_protocol(url: str) -> None:
    native = await native_answer(url, PCM, offline=True)
    async with plugged(url) as stt:
        heard = await recognized(stt)
        assert heard.text == native.text == TEXT
        assert heard.language == "en-US"
    async with plugged(url, model="whisper-1", prompt="the, of") as stt:  # it asks for verbose JSON
        assert (await recognized(stt)).text == TEXT
    async with plugged(url, model="gpt-transcribe", keywords=["the"], language=["en", "de"]) as stt:
        assert (await recognized(stt)).text == TEXT


@pytest.mark.dialect("LiveKit openai.STT, files", "turn ends")
@pytest.mark.dialect("LiveKit openai.STT, files", "finalize")
async def test_a_session_takes_turns_where_its_voice_detection_ends_them(url: str) -> None:
    pcm, said = tones.utterance(11, 3, trailing=1.5)
    async with plugged(url) as stt:
        detector = RecordingVAD(silence=0.5)
        async with listening(Audio(pcm, 16_000, ()), stt=stt, vad=detector, turn_detection="vad") as heard:
            await heard.until(lambda: heard.settled and heard.turns != [])
            assert " ".join(heard.turns) == said
            assert heard.errors == []


@pytest.mark.dialect("LiveKit openai.STT, files", "wrong key")
async def test_a_wrong_key_is_not_tried_again(serve: Serve) -> None:
    async with serve(api_keys=("right",)) as url, plugged(url, "wrong") as stt:
        with pytest.raises(APIStatusError) as refused:
            await recognized(stt)
        assert (refused.value.status_code, refused.value.retryable) == (401, False)


@pytest.mark.dialect("LiveKit openai.STT, files", "full server")
async def test_a_full_server_is_tried_again(url: str) -> None:
    async with AsyncExitStack() as held, plugged(url) as stt:
        for _ in range(6):
            await (await held.enter_async_context(connected_client(url))).start()
        with pytest.raises(APIStatusError) as refused:
            await recognized(stt, options=ONCE)
        assert (refused.value.status_code, refused.value.retryable) == (503, True)
        asked = asyncio.create_task(recognized(stt))
        await until(lambda: _refused_twice(url))
        await held.aclose()
        assert (await asyncio.wait_for(asked, 30)).text == TEXT


async def _refused_twice(url: str) -> bool:
    return await metric(url, 'auricle_refused_total{code="server_full"}') > 1


@pytest.mark.dialect("LiveKit openai.STT, files", "cut connection")
async def test_a_cut_connection_is_opened_again(url: str) -> None:
    proxy = CuttingProxy(url, seed=1, cuts=1)
    async with proxy.running() as cut, plugged(cut) as stt:
        assert (await recognized(stt)).text == TEXT
    assert proxy.cuts_left == 0


@pytest.mark.dialect("LiveKit openai.STT, files", "bad message")
async def test_a_language_that_the_model_does_not_know_is_refused_for_good(url: str) -> None:
    async with plugged(url, language="xx") as stt:
        with pytest.raises(APIStatusError, match="language 'xx' is not one of en-US") as refused:
            await recognized(stt)
        assert (refused.value.status_code, refused.value.retryable) == (400, False)


@pytest.mark.dialect("LiveKit openai.STT, files", "silence")
async def test_silence_has_no_words(url: str) -> None:
    async with plugged(url) as stt:
        assert (await recognized(stt, Audio(np.zeros(3 * 16_000, np.int16), 16_000, ()))).text == ""


@pytest.mark.dialect("LiveKit openai.STT, files", "hour of silence")
async def test_a_turn_after_a_long_silence_is_transcribed(serve: Serve) -> None:
    async with serve(header_seconds=0.3) as url, plugged(url) as stt:
        assert (await recognized(stt)).text == TEXT
        await asyncio.sleep(1.0)  # the server has closed the connection that the client still has
        assert (await recognized(stt)).text == TEXT

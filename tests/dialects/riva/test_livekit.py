"""LiveKit's plugin for NVIDIA. It sends until the first flush, and then ends its stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
import pytest
from livekit.agents.stt import SpeechEventType
from livekit.plugins.nvidia import STT

from tests.dialects.riva.conftest import RivaServe
from tests.support import tones
from tests.support.adapters.livekit_stream import Heard
from tests.support.native_answer import native_answer

PCM, TEXT = tones.utterance(5, 12, trailing=2.0)
FINAL, END = SpeechEventType.FINAL_TRANSCRIPT, SpeechEventType.END_OF_SPEECH


@asynccontextmanager
async def plugged(address: str, key: str = "key") -> AsyncIterator[Heard]:
    stream = STT(server=address, use_ssl=False, api_key=key).stream()
    heard = Heard(stream)
    try:
        yield heard
    finally:
        await stream.aclose()
        heard.task.cancel()


@pytest.mark.dialect("LiveKit nvidia.STT", "words")
@pytest.mark.dialect("LiveKit nvidia.STT", "turn ends")
async def test_words_and_turn_ends_are_those_of_the_native_protocol(riva_serve: RivaServe) -> None:
    async with riva_serve() as (url, address), plugged(address) as heard:
        native = await native_answer(url, PCM, turn={"mode": "silence", "silence_ms": 500})
        heard.speak(PCM)
        await heard.end()
    assert heard.text == TEXT
    words = [str(word) for final in heard.of(FINAL) for word in final.alternatives[0].words or ()]
    assert words == [text for text, _, _ in native.words]
    order = [event.type for event in heard.events if event.type in {FINAL, END}]
    assert order == [FINAL, END] * len(native.turn_ends), "speech ends with each final"
    ends = [final["end"] for final in native.finals if final["text"]]
    # The plugin adds the microseconds for which the stream has been open already.
    assert [final.alternatives[0].end_time for final in heard.of(FINAL)] == pytest.approx(ends, abs=1e-2)


@pytest.mark.dialect("LiveKit nvidia.STT", "finalize")
async def test_a_flush_ends_the_stream_with_its_last_words(riva_serve: RivaServe) -> None:
    pcm, said = tones.utterance(11, 3, trailing=0.1)
    async with riva_serve() as (_, address), plugged(address) as heard:
        heard.speak(pcm)
        heard.stream.flush()
        await asyncio.wait_for(heard.task, 60)
        assert heard.text == said


@pytest.mark.dialect("LiveKit nvidia.STT", "wrong key")
async def test_a_wrong_key_hears_nothing(riva_serve: RivaServe, caplog: pytest.LogCaptureFixture) -> None:
    # The plugin logs what gRPC says and ends the stream without an error.
    async with riva_serve(api_keys=("right",)) as (_, address):
        async with plugged(address, "wrong") as heard:
            heard.speak(PCM)
            await heard.end()
            assert heard.text == ""
        assert "UNAUTHENTICATED" in caplog.text
        async with plugged(address, "right") as heard:
            heard.speak(PCM)
            await heard.end()
            assert heard.text == TEXT


@pytest.mark.dialect("LiveKit nvidia.STT", "silence")
async def test_silence_has_no_words(riva_serve: RivaServe) -> None:
    async with riva_serve() as (_, address), plugged(address) as heard:
        heard.speak(np.zeros(5 * 16_000, np.int16))
        await heard.end()
        assert {event.type for event in heard.events} <= {SpeechEventType.RECOGNITION_USAGE}

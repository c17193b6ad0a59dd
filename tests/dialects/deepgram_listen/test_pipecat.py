"""Pipecat's service for Deepgram in a real pipeline."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from pipecat.frames.frames import InterimTranscriptionFrame, TranscriptionFrame
from pipecat.services.deepgram import stt as module
from pipecat.services.deepgram.stt import DeepgramSTTService

from tests.auricle_server.gateway.conftest import Serve
from tests.auricle_server.raw_client import connected_client, until
from tests.dialects.conftest import SCALE, was_refused
from tests.support import tones
from tests.support.adapters.pipecat_pipeline import Agent, audio, error_frames, final_text, pcm_frames, running
from tests.support.native_answer import native_answer
from tests.support.servers.cutting_proxy import CuttingProxy

PCM, TEXT = tones.utterance(5, 12, trailing=2.0)


@asynccontextmanager
async def listening(url: str, key: str = "key", **settings: Any) -> AsyncIterator[Agent]:
    """A pipeline of Pipecat's service alone."""
    given = DeepgramSTTService.Settings(endpointing=500, **settings)
    service = DeepgramSTTService(api_key=key, base_url=url, settings=given)
    async with running(service) as agent:
        yield agent


def finals(agent: Agent) -> list[Any]:
    """Deepgram's messages in the frames."""
    return [frame.result for frame in agent.down.of(TranscriptionFrame) if isinstance(frame, TranscriptionFrame)]


@pytest.mark.dialect("Pipecat DeepgramSTTService", "words")
@pytest.mark.dialect("Pipecat DeepgramSTTService", "turn ends")
async def test_words_and_turn_ends_are_those_of_the_native_protocol(url: str) -> None:
    native = await native_answer(url, PCM, turn={"mode": "silence", "silence_ms": 500})
    async with listening(url) as agent:
        await agent.send(*pcm_frames(PCM))
        await until(lambda: final_text(agent) == TEXT)
        ends = [final for final in finals(agent) if final.speech_final]
        assert [end.start + end.duration for end in ends] == pytest.approx(native.settled, abs=1e-3)
        words = [word for final in finals(agent) for word in final.channel.alternatives[0].words]
        assert [(word.punctuated_word, word.start, word.end) for word in words] == native.words
        assert agent.down.of(InterimTranscriptionFrame)
        assert error_frames(agent) == []


@pytest.mark.dialect("Pipecat DeepgramSTTService", "finalize")
async def test_the_final_of_a_turn_that_pipecat_ends_is_finalized(url: str) -> None:
    pcm, said = tones.utterance(11, 3, trailing=0.1)
    async with listening(url) as agent:
        await agent.vad(speaking=True)
        await agent.send(*pcm_frames(pcm))
        await agent.vad(speaking=False)
        frame = await agent.down.wait_for(TranscriptionFrame)
        assert (frame.text, frame.finalized) == (said, True)
        await agent.vad(speaking=True)
        await agent.vad(speaking=False)
        await agent.send(*pcm_frames(PCM))
        await until(lambda: final_text(agent) == f"{said} {TEXT}")
        assert error_frames(agent) == []


@pytest.mark.dialect("Pipecat DeepgramSTTService", "wrong key")
async def test_a_wrong_key_is_permanent(serve: Serve) -> None:
    async with serve(api_keys=("right",)) as url, listening(url, "wrong") as agent:
        await until(lambda: bool(error_frames(agent)))
        assert [error.fatal or "rejected" in error.error for error in error_frames(agent)] == [True]


@pytest.mark.dialect("Pipecat DeepgramSTTService", "full server")
async def test_a_full_server_is_tried_again(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "exponential_backoff_time", lambda _: 0.2)
    async with AsyncExitStack() as held:
        for _ in range(6):
            await (await held.enter_async_context(connected_client(url))).start()

        async def free() -> None:
            await until(lambda: was_refused(url))
            await held.aclose()

        # Pipecat's set-up waits until it is connected: the place becomes free meanwhile.
        freed = asyncio.create_task(free())
        async with listening(url) as agent:
            await freed
            await agent.send(*pcm_frames(PCM))
            await until(lambda: final_text(agent) == TEXT)


@pytest.mark.dialect("Pipecat DeepgramSTTService", "cut connection")
async def test_a_cut_connection_is_opened_again(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "exponential_backoff_time", lambda _: 0.05)
    proxy = CuttingProxy(url, seed=1, cuts=0)
    async with proxy.running() as cut, listening(cut) as agent:
        await agent.send(*pcm_frames(PCM))
        await until(lambda: final_text(agent) == TEXT)
        proxy._cut()
        await until(lambda: bool(error_frames(agent)))
        pcm, said = tones.utterance(11, 3, trailing=1.0)
        await asyncio.sleep(0.5)  # what is sent while there is no connection is lost
        await agent.send(*pcm_frames(pcm))
        await until(lambda: final_text(agent) == f"{TEXT} {said}")


@pytest.mark.dialect("Pipecat DeepgramSTTService", "silence")
async def test_silence_is_no_words(url: str) -> None:
    async with listening(url) as agent:
        await agent.send(*audio(5.0))
        await agent.send(*pcm_frames(PCM))
        await until(lambda: final_text(agent) == TEXT)
        assert finals(agent)[0].start == 0
        assert finals(agent)[0].channel.alternatives[0].words[0].start > 5.0


@pytest.mark.dialect("Pipecat DeepgramSTTService", "hour of silence")
async def test_an_hour_without_audio_keeps_the_stream(
    serve: Serve, fast_server_clock: Callable[[], float], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def sleep(seconds: float) -> None:
        await asyncio.sleep(seconds / SCALE)

    monkeypatch.setattr(module, "asyncio", SimpleNamespace(Event=asyncio.Event, sleep=sleep))
    async with serve(idle_seconds=600.0) as url, listening(url) as agent:
        begun = fast_server_clock()
        await until(lambda: fast_server_clock() > begun + 3_600)
        await agent.send(*pcm_frames(PCM))
        await until(lambda: final_text(agent) == TEXT)
        assert error_frames(agent) == []

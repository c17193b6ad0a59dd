"""Pipecat's service for OpenAI's realtime transcription in a real pipeline."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from pipecat.frames.frames import (
    InterimTranscriptionFrame,
    ProposedUserStartedSpeakingFrame,
    ProposedUserStoppedSpeakingFrame,
    TranscriptionFrame,
)
from pipecat.services.openai.stt import OpenAIRealtimeSTTService

from tests.auricle_server.gateway.conftest import Serve
from tests.auricle_server.raw_client import connected_client, until
from tests.dialects.conftest import SCALE, was_refused
from tests.support import tones
from tests.support.adapters.pipecat_pipeline import Agent, audio, error_frames, final_text, pcm_frames, running
from tests.support.native_answer import native_answer
from tests.support.servers.cutting_proxy import CuttingProxy

PCM, TEXT = tones.utterance(5, 12, trailing=2.0)
SERVER_VAD = {"type": "server_vad", "silence_duration_ms": 500}
SPEAKING = (ProposedUserStartedSpeakingFrame, ProposedUserStoppedSpeakingFrame)


def openai(url: str, key: str = "key", **given: Any) -> OpenAIRealtimeSTTService:
    options: dict[str, Any] = {"turn_detection": SERVER_VAD, **given}
    service = OpenAIRealtimeSTTService(api_key=key, base_url=f"{url}/v1/realtime", sample_rate=16_000, **options)
    # Pipecat waits for 4 to 10 seconds between its attempts.
    service._reconnect_backoff_min_wait = service._reconnect_backoff_max_wait = 0.1
    return service


@asynccontextmanager
async def listening(url: str, key: str = "key", **given: Any) -> AsyncIterator[Agent]:
    """A pipeline of Pipecat's service alone, when its session is there."""
    service = openai(url, key, **given)
    async with running(service) as agent:
        if key == "key":
            await until(lambda: service._session_ready)
        yield agent


@pytest.mark.dialect("Pipecat OpenAIRealtimeSTTService", "words")
@pytest.mark.dialect("Pipecat OpenAIRealtimeSTTService", "turn ends")
async def test_words_and_turn_ends_are_those_of_the_native_protocol(url: str) -> None:
    native = await native_answer(url, PCM, turn={"mode": "silence", "silence_ms": 500})
    async with listening(url) as agent:
        await agent.send(*pcm_frames(PCM))
        await until(lambda: final_text(agent) == TEXT)
        finals = [frame.text for frame in agent.down.of(TranscriptionFrame) if isinstance(frame, TranscriptionFrame)]
        assert finals == [end["text"] for end in native.turn_ends]
        assert agent.down.names(*SPEAKING) == [kind.__name__ for kind in SPEAKING] * len(finals)
        assert agent.down.of(InterimTranscriptionFrame)
        assert error_frames(agent) == []


@pytest.mark.dialect("Pipecat OpenAIRealtimeSTTService", "finalize")
async def test_the_turn_that_pipecat_ends_is_completed(url: str) -> None:
    pcm, said = tones.utterance(11, 3, trailing=0.2)
    async with listening(url, turn_detection=False) as agent:
        await agent.vad(speaking=True)
        await agent.send(*pcm_frames(pcm))
        await agent.vad(speaking=False)
        await until(lambda: final_text(agent) == said)
        await agent.vad(speaking=True)
        await agent.vad(speaking=False)
        await agent.vad(speaking=True)
        await agent.send(*pcm_frames(PCM))
        await agent.vad(speaking=False)
        await until(lambda: final_text(agent) == f"{said} {TEXT}")
        assert error_frames(agent) == []


@pytest.mark.dialect("Pipecat OpenAIRealtimeSTTService", "wrong key")
async def test_a_wrong_key_is_an_error_in_words(serve: Serve) -> None:
    async with serve(api_keys=("right",)) as url, listening(url, "wrong") as agent:
        await until(lambda: any("401" in error.error for error in error_frames(agent)))


@pytest.mark.dialect("Pipecat OpenAIRealtimeSTTService", "full server")
async def test_a_full_server_is_tried_again(url: str) -> None:
    async with AsyncExitStack() as held:
        for _ in range(6):
            await (await held.enter_async_context(connected_client(url))).start()
        service = openai(url)
        service._reconnect_backoff_min_wait = service._reconnect_backoff_max_wait = 3.0  # it gives up after three
        async with running(service) as agent:
            await until(lambda: was_refused(url))
            await held.aclose()
            await until(lambda: service._session_ready)
            await agent.send(*pcm_frames(PCM))
            await until(lambda: final_text(agent) == TEXT)


@pytest.mark.dialect("Pipecat OpenAIRealtimeSTTService", "cut connection")
async def test_a_cut_connection_is_opened_again(url: str) -> None:
    proxy = CuttingProxy(url, seed=1, cuts=0)
    async with proxy.running() as cut:
        service, connected = openai(cut), list[None]()

        async def on_connected(_: OpenAIRealtimeSTTService) -> None:
            connected.append(None)

        service.add_event_handler("on_connected", on_connected)
        async with running(service) as agent:
            await until(lambda: service._session_ready)
            await agent.send(*pcm_frames(PCM))
            await until(lambda: final_text(agent) == TEXT)
            proxy._cut()
            await until(lambda: len(connected) == 2 and service._session_ready)
            pcm, said = tones.utterance(11, 3, trailing=1.0)
            await agent.send(*pcm_frames(pcm))
            await until(lambda: final_text(agent) == f"{TEXT} {said}")


@pytest.mark.dialect("Pipecat OpenAIRealtimeSTTService", "silence")
async def test_silence_is_no_words(url: str) -> None:
    async with listening(url) as agent:
        await agent.send(*audio(4.8))
        await agent.send(*pcm_frames(PCM))
        await until(lambda: final_text(agent) == TEXT)
        assert error_frames(agent) == []


@pytest.mark.dialect("Pipecat OpenAIRealtimeSTTService", "hour of silence")
async def test_an_hour_of_silence_keeps_the_stream(serve: Serve, fast_server_clock: Callable[[], float]) -> None:
    async with serve(idle_seconds=3_000.0, start_seconds=3_000.0) as url, listening(url) as agent:
        until_then = fast_server_clock() + 3_600
        while fast_server_clock() < until_then:
            await agent.send(*audio(0.16))
            await asyncio.sleep(5 / SCALE)
        await agent.send(*pcm_frames(PCM))
        await until(lambda: final_text(agent) == TEXT)
        assert error_frames(agent) == []

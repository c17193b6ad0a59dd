"""Pipecat's service for Flux in a real pipeline."""

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
from pipecat.services.deepgram.flux.stt import DeepgramFluxSTTService

from tests.auricle_server.gateway.conftest import Serve
from tests.auricle_server.raw_client import connected_client, until
from tests.dialects.conftest import SCALE, was_refused
from tests.support import tones
from tests.support.adapters.pipecat_pipeline import Agent, audio, error_frames, final_text, pcm_frames, running
from tests.support.native_answer import native_answer
from tests.support.servers.cutting_proxy import CuttingProxy

PCM, TEXT = tones.utterance(5, 12, trailing=2.0)
TURNS = (ProposedUserStartedSpeakingFrame, TranscriptionFrame, ProposedUserStoppedSpeakingFrame)


def flux(url: str, key: str = "key", **given: Any) -> DeepgramFluxSTTService:
    settings = DeepgramFluxSTTService.Settings(**{"eot_threshold": 1.0, "eot_timeout_ms": 500, **given})
    service = DeepgramFluxSTTService(api_key=key, url=f"{url}/v2/listen", sample_rate=16_000, settings=settings)
    # Pipecat waits for 4 to 10 seconds between its attempts.
    service._reconnect_backoff_min_wait = service._reconnect_backoff_max_wait = 0.1
    return service


@asynccontextmanager
async def listening(url: str, key: str = "key", **given: Any) -> AsyncIterator[Agent]:
    """A pipeline of Pipecat's service alone."""
    async with running(flux(url, key, **given)) as agent:
        yield agent


@pytest.mark.dialect("Pipecat DeepgramFluxSTTService", "words")
@pytest.mark.dialect("Pipecat DeepgramFluxSTTService", "turn ends")
async def test_words_and_turn_ends_are_those_of_the_native_protocol(url: str) -> None:
    native = await native_answer(url, PCM, turn={"mode": "silence", "silence_ms": 500})
    async with listening(url) as agent:
        await agent.send(*pcm_frames(PCM))
        await until(lambda: final_text(agent) == TEXT)
        await agent.down.wait_for(ProposedUserStoppedSpeakingFrame)
        finals = [frame for frame in agent.down.of(TranscriptionFrame) if isinstance(frame, TranscriptionFrame)]
        assert [final.text for final in finals] == [end["text"] for end in native.turn_ends]
        ends = [final.result["audio_window_end"] for final in finals if final.result is not None]
        assert ends == [end["audio_time"] for end in native.turn_ends]
        assert all(final.finalized for final in finals)
        assert {str(final.language) for final in finals} == {"en"}
        await until(lambda: len(agent.down.of(ProposedUserStoppedSpeakingFrame)) == len(finals))
        assert agent.down.names(*TURNS) == [kind.__name__ for kind in TURNS] * len(finals)
        assert agent.down.of(InterimTranscriptionFrame)
        assert error_frames(agent) == []


async def test_a_confidence_may_be_asked_for(url: str) -> None:
    async with listening(url, min_confidence=0.5) as agent:
        await agent.send(*pcm_frames(PCM))
        await until(lambda: final_text(agent) == TEXT)


async def test_settings_change_within_a_stream(url: str) -> None:
    pcm, said = tones.utterance(11, 3, trailing=1.0)
    service = flux(url, eot_timeout_ms=9000)
    async with running(service) as agent:
        await agent.send(*pcm_frames(pcm))
        await agent.down.wait_for(ProposedUserStartedSpeakingFrame)
        await service._update_settings(service.Settings(eot_timeout_ms=500, keyterm=["was on"]))
        await until(lambda: not service._configure_in_flight)
        await agent.send(*audio(1.0))
        await until(lambda: final_text(agent) == said)
        assert error_frames(agent) == []


@pytest.mark.dialect("Pipecat DeepgramFluxSTTService", "wrong key")
async def test_a_wrong_key_is_an_error_in_words(serve: Serve) -> None:
    async with serve(api_keys=("right",)) as url, listening(url, "wrong") as agent:
        await until(lambda: any("401" in error.error for error in error_frames(agent)))


@pytest.mark.dialect("Pipecat DeepgramFluxSTTService", "full server")
async def test_a_full_server_is_tried_again(url: str) -> None:
    async with AsyncExitStack() as held:
        for _ in range(6):
            await (await held.enter_async_context(connected_client(url))).start()
        service = flux(url)
        service._reconnect_backoff_min_wait = service._reconnect_backoff_max_wait = 3.0  # it gives up after three
        async with running(service) as agent:
            await until(lambda: was_refused(url))
            await held.aclose()
            await until(service._connection_established_event.is_set)
            await agent.send(*pcm_frames(PCM))
            await until(lambda: final_text(agent) == TEXT)


@pytest.mark.dialect("Pipecat DeepgramFluxSTTService", "cut connection")
async def test_a_cut_connection_is_opened_again(url: str) -> None:
    proxy = CuttingProxy(url, seed=1, cuts=0)
    async with proxy.running() as cut:
        service, connected = flux(cut), list[None]()

        async def on_connected(_: DeepgramFluxSTTService) -> None:
            connected.append(None)

        service.add_event_handler("on_connected", on_connected)
        async with running(service) as agent:
            await agent.send(*pcm_frames(PCM))
            await until(lambda: final_text(agent) == TEXT)
            proxy._cut()
            await until(lambda: len(connected) == 2)
            pcm, said = tones.utterance(11, 3, trailing=1.0)
            await agent.send(*pcm_frames(pcm))
            await until(lambda: final_text(agent) == f"{TEXT} {said}")


@pytest.mark.dialect("Pipecat DeepgramFluxSTTService", "silence")
async def test_silence_is_no_words(url: str) -> None:
    async with listening(url) as agent:
        await agent.send(*audio(5.0))
        await agent.send(*pcm_frames(PCM))
        await until(lambda: final_text(agent) == TEXT)
        assert error_frames(agent) == []


async def test_a_turn_whose_audio_stops_ends_by_the_silence_that_pipecat_sends(url: str) -> None:
    pcm, said = tones.utterance(11, 3, trailing=0.1)
    async with listening(url) as agent:
        await agent.send(*pcm_frames(pcm))
        await until(lambda: final_text(agent) == said)


@pytest.mark.dialect("Pipecat DeepgramFluxSTTService", "hour of silence")
async def test_an_hour_of_silence_keeps_the_stream(serve: Serve, fast_server_clock: Callable[[], float]) -> None:
    async with serve(idle_seconds=3_000.0) as url, listening(url) as agent:
        until_then = fast_server_clock() + 3_600
        while fast_server_clock() < until_then:
            await agent.send(*audio(0.02))
            await asyncio.sleep(5 / SCALE)
        await agent.send(*pcm_frames(PCM))
        await until(lambda: final_text(agent) == TEXT)
        assert error_frames(agent) == []

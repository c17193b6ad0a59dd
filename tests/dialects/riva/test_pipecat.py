"""Pipecat's service for NVIDIA in a real pipeline."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import grpc
import pytest
from pipecat.frames.frames import InterimTranscriptionFrame, TranscriptionFrame
from pipecat.services.nvidia.stt import NvidiaSTTService

from auricle_server.gateway.http.riva.call import RivaCall
from auricle_server.gateway.http.riva.service import RivaService
from tests.auricle_server.raw_client import connected_client, until
from tests.dialects.riva.conftest import RivaServe
from tests.support import tones
from tests.support.adapters.pipecat_pipeline import Agent, audio, final_text, pcm_frames, running
from tests.support.native_answer import native_answer

PCM, TEXT = tones.utterance(5, 12, trailing=2.0)


@asynccontextmanager
async def listening(address: str, key: str = "key") -> AsyncIterator[Agent]:
    """A pipeline of Pipecat's service alone."""
    settings = NvidiaSTTService.Settings(word_time_offsets=True)
    service = NvidiaSTTService(api_key=key, server=address, use_ssl=False, stop_history=500, settings=settings)
    async with running(service) as agent:
        yield agent


def finals(agent: Agent) -> list[TranscriptionFrame]:
    return [frame for frame in agent.down.of(TranscriptionFrame) if isinstance(frame, TranscriptionFrame)]


def results(agent: Agent) -> list[Any]:
    """NVIDIA's messages in the frames."""
    return [frame.result for frame in finals(agent)]


@pytest.mark.dialect("Pipecat NvidiaSTTService", "words")
@pytest.mark.dialect("Pipecat NvidiaSTTService", "turn ends")
async def test_words_and_turn_ends_are_those_of_the_native_protocol(riva_serve: RivaServe) -> None:
    async with riva_serve() as (url, address):
        native = await native_answer(url, PCM, turn={"mode": "silence", "silence_ms": 500})
        async with listening(address) as agent:
            await agent.send(*pcm_frames(PCM))
            await until(lambda: final_text(agent) == TEXT)
            assert all(frame.finalized for frame in finals(agent))
            ends = [result.audio_processed for result in results(agent)]
            assert ends == pytest.approx([end["audio_time"] for end in native.turn_ends], abs=1e-3)
            words = [word.word for result in results(agent) for word in result.alternatives[0].words]
            assert words == [word for word, _, _ in native.words]
            assert agent.down.of(InterimTranscriptionFrame)


@pytest.mark.dialect("Pipecat NvidiaSTTService", "wrong key")
async def test_a_wrong_key_hears_nothing(riva_serve: RivaServe, monkeypatch: pytest.MonkeyPatch) -> None:
    refused: list[grpc.StatusCode] = []
    note = RivaService._abort

    async def abort(self: RivaService, context: object, refusal: object) -> None:
        refused.append(grpc.StatusCode.UNAUTHENTICATED)
        await note(self, context, refusal)  # type: ignore[arg-type]  # as it came

    monkeypatch.setattr(RivaService, "_abort", abort)
    async with riva_serve(api_keys=("right",)) as (_, address):
        async with listening(address, "wrong") as agent:
            await agent.send(*pcm_frames(PCM))
            await until(lambda: bool(refused))
            assert final_text(agent) == ""
        async with listening(address, "right") as agent:
            await agent.send(*pcm_frames(PCM))
            await until(lambda: final_text(agent) == TEXT)


@pytest.mark.dialect("Pipecat NvidiaSTTService", "full server")
async def test_a_full_server_is_tried_again(riva_serve: RivaServe) -> None:
    async with riva_serve() as (url, address), AsyncExitStack() as held:
        for _ in range(6):
            await (await held.enter_async_context(connected_client(url))).start()
        async with listening(address) as agent:
            await agent.send(*audio(0.5))
            await held.aclose()

            async def heard() -> bool:
                # The call that is refused takes what is sent meanwhile with it, so it is said until it is heard whole.
                await agent.send(*pcm_frames(PCM))
                with suppress(TimeoutError):
                    await until(lambda: TEXT in final_text(agent), 5)
                return TEXT in final_text(agent)

            await until(heard, 60)


@pytest.mark.dialect("Pipecat NvidiaSTTService", "cut connection")
async def test_a_cut_call_is_opened_again(riva_serve: RivaServe, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[RivaCall] = []
    run = RivaCall.run

    async def noted(self: RivaCall) -> None:
        calls.append(self)
        await run(self)

    monkeypatch.setattr(RivaCall, "run", noted)
    async with riva_serve() as (_, address), listening(address) as agent:
        await agent.send(*pcm_frames(PCM))
        await until(lambda: final_text(agent) == TEXT)
        calls[0].abort()
        await until(lambda: len(calls) == 2)
        await agent.send(*pcm_frames(PCM))
        await until(lambda: final_text(agent) == f"{TEXT} {TEXT}")


@pytest.mark.dialect("Pipecat NvidiaSTTService", "silence")
async def test_silence_is_no_words(riva_serve: RivaServe) -> None:
    async with riva_serve() as (_, address), listening(address) as agent:
        await agent.send(*audio(5.0))
        await agent.send(*pcm_frames(PCM))
        await until(lambda: final_text(agent) == TEXT)
        assert results(agent)[0].alternatives[0].words[0].start_time > 5_000

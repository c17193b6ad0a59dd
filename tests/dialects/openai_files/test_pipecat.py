"""Pipecat's service for OpenAI, which uploads each stretch of speech, in a real pipeline."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import numpy as np
import pytest
from openai import DefaultAsyncHttpxClient
from pipecat.frames.frames import TranscriptionFrame
from pipecat.services.openai.stt import OpenAISTTService

from tests.auricle_server.gateway.conftest import Serve
from tests.auricle_server.gateway.http.files.uploads import metric
from tests.auricle_server.raw_client import connected_client, until
from tests.support import tones
from tests.support.adapters.pipecat_pipeline import Agent, Pcm, error_frames, pcm_frames, running
from tests.support.native_answer import native_answer
from tests.support.servers.cutting_proxy import CuttingProxy

PCM, TEXT = tones.utterance(5, 12)


@asynccontextmanager
async def listening(url: str, key: str = "key", prob_metrics: bool = False, **settings: Any) -> AsyncIterator[Agent]:
    """A pipeline of Pipecat's service alone."""
    base_url = url.replace("ws", "http", 1) + "/v1"
    given = OpenAISTTService.Settings(**settings)
    async with DefaultAsyncHttpxClient() as http:  # the service does not close its own
        service = OpenAISTTService(
            api_key=key, base_url=base_url, settings=given, include_prob_metrics=prob_metrics, http_client=http
        )
        async with running(service) as agent:
            yield agent


async def speak(agent: Agent, pcm: Pcm = PCM) -> None:
    await agent.vad(speaking=True)
    await agent.send(*pcm_frames(pcm))
    await agent.vad(speaking=False)


@pytest.mark.dialect("Pipecat OpenAISTTService", "words")
@pytest.mark.dialect("Pipecat OpenAISTTService", "finalize")
@pytest.mark.dialect("Pipecat OpenAISTTService", "turn ends")
async def test_each_stretch_of_speech_is_one_final_with_the_words_of_the_native_protocol(url: str) -> None:
    native = await native_answer(url, PCM, offline=True)
    pcm, said = tones.utterance(11, 3)
    async with listening(url, keywords=["the"], prompt="of, and") as agent:
        await speak(agent)
        first = await agent.down.wait_for(TranscriptionFrame)
        await speak(agent, pcm)
        second = await agent.down.wait_for(TranscriptionFrame)
        assert [first.text, second.text] == [native.text, said] == [TEXT, said]
        assert first.finalized
        assert second.finalized
        assert error_frames(agent) == []


async def test_probabilities_come_with_the_frame(url: str) -> None:
    async with listening(url, prob_metrics=True) as agent:
        await speak(agent)
        frame: Any = await agent.down.wait_for(TranscriptionFrame)
        assert "".join(each.token for each in frame.result.logprobs) == TEXT
    async with listening(url, prob_metrics=True, model="whisper-1") as agent:
        await speak(agent)
        frame = await agent.down.wait_for(TranscriptionFrame)
        assert frame.result.segments[0].avg_logprob < 0


@pytest.mark.dialect("Pipecat OpenAISTTService", "wrong key")
async def test_a_wrong_key_is_an_error_frame(serve: Serve) -> None:
    async with serve(api_keys=("right",)) as url, listening(url, "wrong") as agent:
        await speak(agent)
        await until(lambda: bool(error_frames(agent)))
        assert "401" in error_frames(agent)[0].error
        assert agent.down.of(TranscriptionFrame) == []


@pytest.mark.dialect("Pipecat OpenAISTTService", "full server")
async def test_a_full_server_is_tried_again(serve: Serve) -> None:
    async with serve(retry_after_seconds=1) as url, AsyncExitStack() as held:
        for _ in range(6):
            await (await held.enter_async_context(connected_client(url))).start()
        async with listening(url) as agent:
            await speak(agent)
            await until(lambda: _was_refused(url))
            await held.aclose()
            assert (await agent.down.wait_for(TranscriptionFrame)).text == TEXT
            assert error_frames(agent) == []


async def _was_refused(url: str) -> bool:
    return await metric(url, 'auricle_refused_total{code="server_full"}') > 0


@pytest.mark.dialect("Pipecat OpenAISTTService", "cut connection")
async def test_a_cut_connection_is_opened_again(url: str) -> None:
    proxy = CuttingProxy(url, seed=1, cuts=1)
    async with proxy.running() as cut, listening(cut) as agent:
        await speak(agent)
        assert (await agent.down.wait_for(TranscriptionFrame)).text == TEXT
        assert error_frames(agent) == []
    assert proxy.cuts_left == 0


@pytest.mark.dialect("Pipecat OpenAISTTService", "bad message")
async def test_a_language_that_the_model_does_not_know_is_an_error_frame_in_words(url: str) -> None:
    async with listening(url, language="xx") as agent:
        await speak(agent)
        await until(lambda: bool(error_frames(agent)))
        assert "language 'xx' is not one of en-US" in error_frames(agent)[0].error


@pytest.mark.dialect("Pipecat OpenAISTTService", "silence")
async def test_silence_has_no_words(url: str) -> None:
    async with listening(url) as agent:
        await speak(agent, np.zeros(3 * 16_000, np.int16))
        await speak(agent)
        assert (await agent.down.wait_for(TranscriptionFrame)).text == TEXT
        assert len(agent.down.of(TranscriptionFrame)) == 1
        assert error_frames(agent) == []


@pytest.mark.dialect("Pipecat OpenAISTTService", "hour of silence")
async def test_speech_after_a_long_silence_is_transcribed(serve: Serve) -> None:
    async with serve(header_seconds=0.3) as url, listening(url) as agent:
        await speak(agent)
        assert (await agent.down.wait_for(TranscriptionFrame)).text == TEXT
        await asyncio.sleep(1.0)  # the server has closed the connection that the client still has
        await speak(agent)
        assert (await agent.down.wait_for(TranscriptionFrame)).text == TEXT

"""A voice without words: the turn that it began ends at once, in Pipecat's own user aggregator."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from pipecat.frames.frames import TranscriptionFrame
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import (
    LLMContextAggregatorPair,
    LLMUserAggregator,
    LLMUserAggregatorParams,
)
from pipecat.turns.user_stop import SpeechTimeoutUserTurnStopStrategy
from pipecat.turns.user_turn_strategies import UserTurnStrategies

from auricle.protocol.client_messages import Finalize
from auricle.protocol.server_messages import NoWords
from pipecat_auricle import AuricleSTTService, NoWordsFrame, NoWordsUserTurnStopStrategy
from tests.support.adapters.pipecat_pipeline import running
from tests.support.scripted.script import PATIENCE
from tests.support.scripted_server import ScriptedServer
from tests.support.server_events import final

Settings = AuricleSTTService.Settings


class Turns:
    """A user aggregator whose own watchdog ends no turn within a test, and when its turns end."""

    def __init__(self) -> None:
        strategies = UserTurnStrategies(stop=[SpeechTimeoutUserTurnStopStrategy(), NoWordsUserTurnStopStrategy()])
        params = LLMUserAggregatorParams(user_turn_strategies=strategies, user_turn_stop_timeout=600.0)
        self.aggregator: LLMUserAggregator = LLMContextAggregatorPair(LLMContext(), user_params=params).user()
        self.started, self.stopped = asyncio.Event(), asyncio.Event()
        self.aggregator.add_event_handler("on_user_turn_started", lambda *_: self.started.set())
        self.aggregator.add_event_handler("on_user_turn_stopped", lambda *_: self.stopped.set())

    async def until_stopped(self) -> None:
        async with asyncio.timeout(PATIENCE):
            await self.started.wait()
            await self.stopped.wait()


async def test_a_cough_ends_its_turn_with_the_answer_to_the_finalize(server: ScriptedServer) -> None:
    stt, turns = AuricleSTTService(url=server.url), Turns()
    heard: list[tuple[object, ...]] = []
    stt.add_event_handler("on_no_words", lambda _stt, *times: heard.append(times))
    async with running(stt, turns.aggregator) as agent:
        session = await server.session()
        await agent.vad(speaking=True)
        await agent.speak(0.3)
        await agent.vad(speaking=False)
        await session.send(final("", 0.3, await session.next(Finalize)))
        await turns.until_stopped()
    assert heard == [(None, None)]


async def test_a_server_that_cannot_hear_voices_need_not_say_so(server: ScriptedServer) -> None:
    stt, turns = AuricleSTTService(url=server.url, settings=Settings(no_words=True)), Turns()
    async with running(stt, turns.aggregator) as agent:
        session = await server.session()
        await agent.vad(speaking=True)
        await agent.speak(0.3)
        await agent.vad(speaking=False)
        await session.send(final("", 0.3, await session.next(Finalize)))
        await turns.until_stopped()


async def test_the_servers_verdict_has_the_times(server: ScriptedServer) -> None:
    server.ready = replace(server.ready, turn_signals=("words", "punctuation", "voice"))
    stt, turns = AuricleSTTService(url=server.url, settings=Settings(no_words=True)), Turns()
    async with running(stt, turns.aggregator) as agent:
        session = await server.session()
        assert session.start.turn.no_words
        await agent.vad(speaking=True)
        await agent.speak(0.3)
        await agent.vad(speaking=False)
        await session.send(final("", 0.3, await session.next(Finalize)), NoWords(start=0.1, end=0.2, audio_time=0.3))
        frame = await agent.down.wait_for(NoWordsFrame)
        await turns.until_stopped()
    assert frame.start == pytest.approx(0.1)
    assert frame.end == pytest.approx(0.2)
    assert len(agent.down.of(NoWordsFrame)) == 1


async def test_a_turn_with_words_ends_by_its_words(server: ScriptedServer) -> None:
    """Though a cough follows them, and though the user goes on."""
    stt, turns = AuricleSTTService(url=server.url), Turns()
    async with running(stt, turns.aggregator) as agent:
        session = await server.session()
        await agent.vad(speaking=True)
        await agent.speak(0.3)
        await session.send(final("I would like", 0.3))
        await session.send(NoWords(start=0.4, end=0.5, audio_time=0.6))
        await agent.down.wait_for(NoWordsFrame)
        assert not turns.stopped.is_set()
        await agent.vad(speaking=False)
        await session.send(final("a table.", 0.8, await session.next(Finalize)))
        await turns.until_stopped()
    assert agent.down.of(TranscriptionFrame) == []  # the aggregator takes them

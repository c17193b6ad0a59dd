"""Several servers for one service: a full or failed one is skipped, and no words are lost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest
from pipecat.frames.frames import (
    ErrorFrame,
    InterimTranscriptionFrame,
    ProposedUserStartedSpeakingFrame,
    ProposedUserStoppedSpeakingFrame,
    STTUpdateSettingsFrame,
    TranscriptionFrame,
)
from pipecat.utils.errors import ErrorCategory

from auricle import ReconnectPolicy
from auricle.protocol.client_messages import Finalize, Update
from auricle.protocol.server_messages import Error, SpeechStarted
from pipecat_auricle import AuricleSTTService
from tests.support.adapters.pipecat_pipeline import Agent, running
from tests.support.scripted.script import Refusal
from tests.support.scripted_server import ScriptedServer
from tests.support.server_events import final, interim, turn_end

Settings = AuricleSTTService.Settings
QUICK = ReconnectPolicy(attempts=3, first_delay=0.01, max_delay=0.02)
FULL = Refusal(503, retry_after="0")


@pytest.fixture
async def other() -> AsyncIterator[ScriptedServer]:
    async with ScriptedServer() as server:
        yield server


def transcripts(agent: Agent) -> list[str]:
    return [frame.text for frame in agent.down.frames if isinstance(frame, TranscriptionFrame)]


@pytest.mark.parametrize("refusal", [FULL, Refusal(401), Refusal(500)], ids=["full", "refused", "broken"])
async def test_one_that_will_not_have_the_stream_is_passed_over(
    server: ScriptedServer, other: ScriptedServer, refusal: Refusal
) -> None:
    server.refusals = [refusal]
    stt = AuricleSTTService(url=[server.url, other.url], reconnect=QUICK)
    async with running(stt) as agent:
        session = await other.session()
        await session.send(final("Here.", 0.2))
        await agent.down.wait_for(TranscriptionFrame)
    assert agent.up.of(ErrorFrame) == []
    assert (server.refused, stt.is_usable) == (1, True)


async def test_all_full_is_not_broken_even_where_one_is_gone(server: ScriptedServer) -> None:
    """More refusals than attempts for a broken server; then the words that were said meanwhile."""
    async with ScriptedServer() as gone:
        urls = [gone.url, server.url]
    server.refusals = [FULL] * 6
    stt = AuricleSTTService(url=urls, reconnect=QUICK)
    async with running(stt) as agent:
        error = await agent.up.wait_for(ErrorFrame)
        await agent.vad(speaking=True)
        await agent.speak(0.2)
        await agent.vad(speaking=False)
        session = await server.session()
        finalize = await session.next(Finalize)
        assert session.seconds == pytest.approx(0.2)
        await session.send(final("Worth the wait.", 0.2, finalize))
        assert (await agent.down.wait_for(TranscriptionFrame)).finalized
        assert len(agent.up.of(ErrorFrame)) == 1
    assert error.category is ErrorCategory.RATE_LIMIT
    assert stt.is_usable


async def test_another_goes_on_where_one_died_in_mid_utterance(server: ScriptedServer) -> None:
    async with AsyncExitStack() as dying:
        first_server = await dying.enter_async_context(ScriptedServer())
        async with running(AuricleSTTService(url=[first_server.url, server.url], reconnect=QUICK)) as agent:
            first = await first_server.session()
            await agent.vad(speaking=True)
            await agent.speak(0.4)
            await first.until(lambda: first.seconds >= 0.38)
            await first.send(final("One", 0.2), SpeechStarted(start=0.25), interim("two", 0.38))
            await agent.down.wait_for(InterimTranscriptionFrame)
            await dying.aclose()
            await agent.speak(0.2)
            await agent.vad(speaking=False)
            second = await server.session()
            finalize = await second.next(Finalize)
            assert second.seconds == pytest.approx(0.4)  # all but what has its final
            await second.send(SpeechStarted(start=0.05), interim("two", 0.18), final("two three.", 0.4, finalize))
            assert (await agent.down.wait_for(TranscriptionFrame, lambda frame: frame.finalized)).text == "two three."
    assert transcripts(agent) == ["One", "two three."]
    # The second server recognises again what was shown already.
    assert len(agent.down.of(InterimTranscriptionFrame)) == 1
    assert agent.up.of(ErrorFrame) == []


async def test_a_turn_goes_on_at_another_server(server: ScriptedServer) -> None:
    async with AsyncExitStack() as dying:
        first_server = await dying.enter_async_context(ScriptedServer())
        stt = AuricleSTTService(url=[first_server.url, server.url], turn_detection="server", reconnect=QUICK)
        async with running(stt) as agent:
            first = await first_server.session()
            await agent.speak(0.4)
            await first.until(lambda: first.seconds >= 0.38)
            await first.send(SpeechStarted(start=0.1), final("One", 0.2), interim("two", 0.38))
            await agent.down.wait_for(InterimTranscriptionFrame)
            await dying.aclose()
            second = await server.session()
            await second.send(SpeechStarted(start=0.0), interim("two", 0.18), interim("two three", 0.2))
            await second.send(final("two three.", 0.2, at=0.8), turn_end("two three.", 0.8))
            await agent.down.wait_for(ProposedUserStoppedSpeakingFrame)
    assert transcripts(agent) == ["One", "two three."]
    assert len(agent.down.of(ProposedUserStartedSpeakingFrame)) == 1
    assert len(agent.down.of(ProposedUserStoppedSpeakingFrame)) == 1


async def test_what_the_server_offers_is_what_the_one_in_use_offers(server: ScriptedServer) -> None:
    """The server that takes over has fewer latencies and languages."""
    server.ready = replace(server.ready, latencies_ms=(80,), languages=("en-US",), model="small")
    async with AsyncExitStack() as dying:
        first_server = await dying.enter_async_context(ScriptedServer())
        stt = AuricleSTTService(
            url=[first_server.url, server.url], reconnect=QUICK, settings=Settings(language="en-US", latency_ms=80)
        )
        async with running(stt) as agent:
            await first_server.session()
            await dying.aclose()
            session = await server.session()
            await session.send(final("Here.", 0.2))
            await agent.down.wait_for(TranscriptionFrame)
            await agent.send(STTUpdateSettingsFrame(delta=Settings(latency_ms=160)))
            assert "latency_ms: 160 is not one of 80" in (await agent.up.wait_for(ErrorFrame)).error
            await agent.send(STTUpdateSettingsFrame(delta=Settings(language="de-DE")))
            assert await session.next(Update) == Update(language="de-DE")
            await session.send(Error(code="unsupported_language", fault="client", fatal=False, message="English only"))
            assert "English only" in (await agent.up.wait_for(ErrorFrame)).error
    assert (stt.start_message().language, stt.settings.model) == ("en-US", "small")


async def test_a_server_that_fills_up_hands_its_stream_on(server: ScriptedServer, other: ScriptedServer) -> None:
    async with running(AuricleSTTService(url=[server.url, other.url], reconnect=QUICK)) as agent:
        await (await server.session()).fail("server_full", "its slot was needed")
        session = await other.session()
        await session.send(final("Still here.", 0.2))
        await agent.down.wait_for(TranscriptionFrame)
    assert agent.up.of(ErrorFrame) == []


def test_no_server_at_all_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="at least one"):
        AuricleSTTService(url=[])

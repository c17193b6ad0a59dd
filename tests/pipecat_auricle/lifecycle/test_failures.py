"""Failures: what Pipecat is told, and what goes on."""

from __future__ import annotations

import asyncio
from unittest.mock import patch

import pytest
from pipecat.frames.frames import (
    ErrorFrame,
    InputAudioRawFrame,
    InterimTranscriptionFrame,
    ProposedUserStartedSpeakingFrame,
    ProposedUserStoppedSpeakingFrame,
    STTUpdateSettingsFrame,
    TranscriptionFrame,
)
from pipecat.transcriptions.language import Language
from pipecat.utils.errors import ErrorCategory

from auricle import ReconnectPolicy
from auricle.protocol.client_messages import Finalize
from auricle.protocol.server_messages import SpeechStarted
from pipecat_auricle import AuricleSTTService
from tests.support.adapters.pipecat_pipeline import running
from tests.support.scripted.script import Refusal
from tests.support.scripted_server import ScriptedServer
from tests.support.server_events import final, interim, turn_end

QUICK = ReconnectPolicy(attempts=3, first_delay=0.01, max_delay=0.02)
PATIENT = ReconnectPolicy(attempts=1000, first_delay=0.01, max_delay=0.02)
NEVER = ReconnectPolicy(attempts=0)


@pytest.mark.parametrize(
    ("status", "category"), [(401, ErrorCategory.AUTHENTICATION), (403, ErrorCategory.AUTHORIZATION)]
)
async def test_a_refused_key_is_permanent(server: ScriptedServer, status: int, category: ErrorCategory) -> None:
    server.refusals = [Refusal(status)]
    stt = AuricleSTTService(url=server.url, api_key="wrong", reconnect=QUICK)
    async with running(stt) as agent:
        error = await agent.up.wait_for(ErrorFrame)
        await agent.speak(0.1)
    assert error.category is category
    assert not stt.is_usable
    assert (server.refused, server.waiting_sessions) == (1, 0)


async def test_the_key_is_sent(server: ScriptedServer) -> None:
    async with running(AuricleSTTService(url=server.url, api_key="secret")):
        assert (await server.session()).authorization == "Bearer secret"


async def test_a_full_server_is_not_a_broken_one(server: ScriptedServer) -> None:
    """More refusals than attempts for a broken server, one error, and then the words that were said meanwhile."""
    server.refusals = [Refusal(503, retry_after="0")] * 6
    stt = AuricleSTTService(url=server.url, reconnect=QUICK)
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
    assert server.refused == 6


async def test_a_server_that_is_not_there_costs_the_service_its_usability_in_the_end() -> None:
    async with ScriptedServer() as server:
        url = server.url
    stt = AuricleSTTService(url=url, reconnect=QUICK)
    heard: list[str] = []
    stt.add_event_handler("on_connection_error", lambda _service, error: heard.append(error))
    async with running(stt) as agent:
        first = await agent.up.wait_for(ErrorFrame)
        last = await agent.up.wait_for(ErrorFrame)
    assert first.category is last.category is ErrorCategory.CONNECTIVITY
    assert not stt.is_usable
    assert len(heard) == 2


async def test_a_server_that_comes_late_is_found() -> None:
    async with ScriptedServer() as early:
        port = int(early.url.rsplit(":", 1)[1])
        url = early.url
    stt = AuricleSTTService(url=url, reconnect=PATIENT)
    async with running(stt) as agent:
        await agent.up.wait_for(ErrorFrame)
        async with ScriptedServer(port=port) as server:
            session = await server.session()
            await session.send(final("there", 0.2))
            await agent.down.wait_for(TranscriptionFrame)
            assert stt.is_usable
            await agent.worker.cancel()


async def test_a_setting_that_the_server_has_not_is_permanent_until_it_is_changed(server: ScriptedServer) -> None:
    server.failures = [("unsupported_language", "language 'xx' is not one of en-US, de-DE")]
    stt = AuricleSTTService(url=server.url, settings=AuricleSTTService.Settings(language="xx"), reconnect=QUICK)
    async with running(stt) as agent:
        error = await agent.up.wait_for(ErrorFrame)
        assert error.category is ErrorCategory.INVALID_REQUEST
        assert not stt.is_usable
        await agent.send(STTUpdateSettingsFrame(delta=AuricleSTTService.Settings(language="de-DE")))
        assert (await server.session()).start.language == "de-DE"
        assert stt.is_usable


async def test_a_service_is_given_another_chance_by_whoever_hears_of_the_failure(server: ScriptedServer) -> None:
    server.refusals = [Refusal(401)]
    stt = AuricleSTTService(url=server.url, reconnect=NEVER)

    async def give_another_chance(service: AuricleSTTService, _error: ErrorFrame) -> None:
        await service.set_usable(True)

    stt.add_event_handler("on_error", give_another_chance)
    async with running(stt) as agent:
        session = await server.session()
        await session.send(final("Thanks.", 0.2))
        await agent.down.wait_for(TranscriptionFrame)


async def test_connections_that_break_at_once_are_forgiven_as_often_as_the_policy_says(server: ScriptedServer) -> None:
    """Pipecat gives up after three; a server that restarts breaks more connections than that in a few seconds."""
    stt = AuricleSTTService(url=server.url, reconnect=PATIENT)
    async with running(stt) as agent:
        await agent.vad(speaking=True)
        await agent.speak(0.1)
        for _ in range(6):
            (await server.session()).cut()
        session = await server.session()
        await agent.vad(speaking=False)
        await session.send(final("Patience.", 0.1, await session.next(Finalize)))
        assert (await agent.down.wait_for(TranscriptionFrame)).finalized
        assert session.seconds == pytest.approx(0.1)
    assert agent.up.of(ErrorFrame) == []


async def test_what_nobody_foresaw_is_told_and_not_passed_over(server: ScriptedServer) -> None:
    """A service that no longer recognises must report it, or the call goes on without transcripts."""
    stt = AuricleSTTService(url=server.url)
    with patch("pipecat_auricle.recognition.frames_for", side_effect=RuntimeError("a bug")):
        async with running(stt) as agent:
            await (await server.session()).send(interim("hello", 0.2))
            error = await agent.up.wait_for(ErrorFrame)
    assert "a bug" in error.error
    assert not stt.is_usable


async def test_a_broken_server_is_told_apart(server: ScriptedServer) -> None:
    stt = AuricleSTTService(url=server.url, reconnect=NEVER)
    async with running(stt) as agent:
        await (await server.session()).fail("internal", "a bug")
        error = await agent.up.wait_for(ErrorFrame)
    assert error.category is ErrorCategory.SERVER
    assert not stt.is_usable


async def test_a_stream_that_has_grown_too_long_is_followed_by_the_next(server: ScriptedServer) -> None:
    async with running(AuricleSTTService(url=server.url, reconnect=QUICK)) as agent:
        first = await server.session()
        await agent.speak(0.5)
        await first.until(lambda: first.seconds == 0.5)
        await first.send(final("one", 0.5))
        await agent.down.wait_for(TranscriptionFrame)
        await first.fail("stream_too_long", "four hours are the most")
        second = await server.session()
        await second.send(interim("two", 0.2))  # on a clock that has started again
        assert (await agent.down.wait_for(InterimTranscriptionFrame)).text == "two"
        assert agent.up.of(ErrorFrame) == []


async def test_a_server_that_ends_a_stream_because_it_is_full_is_waited_for(server: ScriptedServer) -> None:
    """This holds for any number of attempts for a broken server. The next stream's clock starts again."""
    async with running(AuricleSTTService(url=server.url, reconnect=NEVER)) as agent:
        first = await server.session()
        await agent.speak(0.5)
        await first.until(lambda: first.seconds == 0.5)
        await first.send(final("one", 0.5))
        await agent.down.wait_for(TranscriptionFrame)
        await first.fail("server_full", "its slot was needed")
        second = await server.session()
        await second.send(interim("two", 0.2))
        assert (await agent.down.wait_for(InterimTranscriptionFrame)).text == "two"


async def test_a_cut_connection_loses_and_doubles_nothing(server: ScriptedServer) -> None:
    stt = AuricleSTTService(url=server.url, reconnect=QUICK)
    told: list[str] = []
    for name in ("on_connected", "on_disconnected"):
        stt.add_event_handler(name, lambda _service, name=name: told.append(name))
    async with running(stt) as agent:
        first = await server.session()
        await agent.vad(speaking=True)
        await agent.speak(0.4)
        await first.until(lambda: first.seconds >= 0.38)
        await first.send(interim("twice", 0.3))
        await agent.down.wait_for(InterimTranscriptionFrame)
        first.cut()
        await agent.vad(speaking=False)
        second = await server.session()
        finalize = await second.next(Finalize)
        assert second.seconds == pytest.approx(0.4)
        await second.send(interim("twice", 0.3), final("Twice.", 0.4, finalize))
        assert (await agent.down.wait_for(TranscriptionFrame)).finalized
    assert len(agent.down.of(TranscriptionFrame)) == 1
    assert agent.up.of(ErrorFrame) == []
    assert told == ["on_connected", "on_disconnected", "on_connected", "on_disconnected"]


async def test_a_cut_connection_does_not_start_the_turn_again(server: ScriptedServer) -> None:
    stt = AuricleSTTService(url=server.url, turn_detection="server", reconnect=QUICK)
    async with running(stt) as agent:
        first = await server.session()
        await first.send(SpeechStarted(start=0.1), interim("once", 0.3))
        await agent.down.wait_for(InterimTranscriptionFrame)
        first.cut()
        second = await server.session()
        await second.send(SpeechStarted(start=0.1), interim("once", 0.3), final("Once.", 0.4, at=1.0))
        await second.send(turn_end("Once.", 1.0))
        await agent.down.wait_for(ProposedUserStoppedSpeakingFrame)
    assert len(agent.down.of(ProposedUserStartedSpeakingFrame)) == 1
    assert len(agent.down.of(TranscriptionFrame)) == 1


@pytest.mark.parametrize("turn_detection", ["vad", "server"])
async def test_words_that_get_no_final_any_more_are_not_left_hanging(
    server: ScriptedServer, turn_detection: str
) -> None:
    stt = AuricleSTTService(url=server.url, turn_detection=turn_detection, reconnect=NEVER)  # type: ignore[arg-type]
    async with running(stt) as agent:
        session = await server.session()
        await session.send(SpeechStarted(start=0.1), interim("half a", 0.3))
        await agent.down.wait_for(InterimTranscriptionFrame)
        session.cut()
        transcript = await agent.down.wait_for(TranscriptionFrame)
        await agent.up.wait_for(ErrorFrame)
    assert (transcript.text, transcript.language, transcript.finalized) == ("half a", Language.EN_US, False)
    assert len(agent.down.of(ProposedUserStoppedSpeakingFrame)) == (turn_detection == "server")


async def test_a_slow_network_does_not_hold_up_the_pipeline(server: ScriptedServer) -> None:
    """The socket takes nothing more; frames must pass all the same."""
    stt = AuricleSTTService(url=server.url)
    async with running(stt) as agent:
        session = await server.session()
        session.stall()
        # Far more than the client and the socket buffer.
        megabyte = InputAudioRawFrame(audio=bytes(1 << 20), sample_rate=16_000, num_channels=1)
        await agent.send(*[megabyte] * 12)
        async with asyncio.timeout(5):
            await agent.vad(speaking=True)
        await agent.worker.cancel()

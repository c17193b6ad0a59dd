"""Turns that are cut after an eager end: it is withdrawn or settled, never left open."""

from __future__ import annotations

import pytest
from pipecat.frames.frames import (
    EagerEndOfTurnCancelFrame,
    EagerTranscriptionFrame,
    EndFrame,
    ErrorFrame,
    Frame,
    InterimTranscriptionFrame,
    LLMTextFrame,
    ProposedUserStoppedSpeakingFrame,
    STTMuteFrame,
    TranscriptionFrame,
    UserMuteStartedFrame,
)

from auricle import ReconnectPolicy
from auricle.protocol.client_messages import Finalize
from auricle.protocol.server_messages import SpeechStarted
from pipecat_auricle import AuricleSTTService
from tests.pipecat_auricle.turns.test_eager_turns import answers, guess, service
from tests.support.adapters.echo_llm import EchoLLM, Question
from tests.support.adapters.pipecat_pipeline import aggregator, running
from tests.support.scripted_server import ScriptedServer
from tests.support.server_events import eager_end, final, interim, turn_end

SHORT = AuricleSTTService.Settings(silence_ms=160, eager_silence_ms=80)


@pytest.mark.parametrize("mute", [UserMuteStartedFrame(), STTMuteFrame(mute=True)], ids=["strategy", "stt"])
async def test_a_mute_takes_a_guess_back_and_admits_none(server: ScriptedServer, mute: Frame) -> None:
    async with running(service(server)) as agent:
        session = await server.session()
        await session.send(SpeechStarted(start=0.1))
        await guess(agent, session, "hold on", 0.8)
        await agent.send(mute)
        await agent.down.wait_for(EagerEndOfTurnCancelFrame)
        finalize = await session.next(Finalize)
        await session.send(interim("hold on a", 0.9), eager_end("hold on a", 1.2), final("Hold on a", 0.9, finalize))
        await agent.down.wait_for(TranscriptionFrame)
    assert len(agent.down.of(EagerTranscriptionFrame)) == 1


async def test_a_guess_after_a_mute_has_the_words_that_the_user_was_heard_to_say(server: ScriptedServer) -> None:
    """The server's turn continues across a mute; Pipecat's ends there."""
    async with running(service(server)) as agent:
        session = await server.session()
        await session.send(SpeechStarted(start=0.1), interim("actually", 0.4))
        await agent.down.wait_for(InterimTranscriptionFrame)
        await agent.send(STTMuteFrame(mute=True))
        await session.send(final("Actually", 0.4, await session.next(Finalize)))
        await agent.down.wait_for(ProposedUserStoppedSpeakingFrame)
        await agent.send(STTMuteFrame(mute=False))
        await agent.speak(0.1)
        await session.until(lambda: session.seconds > 0)
        frame = await guess(agent, session, "do it", 1.6, turn="Actually do it")
        await session.send(final("do it", 1.2, at=2.1), turn_end("Actually do it", 2.1))
        await agent.down.wait_for(ProposedUserStoppedSpeakingFrame)
        # The next turn, which repeats the words of this one, does not depend on it.
        after = await guess(agent, session, "Actually do it twice", 4.0)
    assert [getattr(each, "text", None) for each in (frame, after)] == ["do it", "Actually do it twice"]


async def test_a_guess_for_a_turn_that_pipecat_has_seen_end_is_not_pushed(server: ScriptedServer) -> None:
    async with running(service(server, settings=SHORT, stall_timeout=0.0)) as agent:
        session = await server.session()
        await session.send(SpeechStarted(start=0.1), interim("so", 0.4))
        await session.send(final("So", 0.4, await session.next(Finalize)), eager_end("So", 0.8), turn_end("So", 1.2))
        await session.send(SpeechStarted(start=2.0), interim("then", 2.2))
        await agent.down.wait_for(InterimTranscriptionFrame, lambda frame: frame.text == "then")
        await session.send(final("Then.", 2.2, await session.next(Finalize)))
    assert not agent.down.of(EagerTranscriptionFrame)


async def test_a_cut_connection_in_the_pause_keeps_the_answer(server: ScriptedServer) -> None:
    llm = EchoLLM()
    stt = service(server, reconnect=ReconnectPolicy(attempts=3, first_delay=0.01, max_delay=0.02))
    async with running(stt, aggregator(), llm) as agent:
        first = await server.session()
        await first.send(SpeechStarted(start=0.1), interim("Once.", 0.3), eager_end("Once.", 0.6))
        await llm.asked("Once.", speculative=True)
        first.cut()
        second = await server.session()
        await second.send(SpeechStarted(start=0.1), interim("Once.", 0.3), eager_end("Once.", 0.6))
        await second.send(final("Once.", 0.3, at=1.1), turn_end("Once.", 1.1))
        await agent.down.wait_for(LLMTextFrame)
    assert llm.questions == [Question("Once.", speculative=True)]


async def test_a_failure_for_good_in_the_pause_ends_the_turn_with_the_answer(server: ScriptedServer) -> None:
    llm = EchoLLM()
    async with running(service(server, reconnect=ReconnectPolicy(attempts=0)), aggregator(), llm) as agent:
        session = await server.session()
        await session.send(SpeechStarted(start=0.1), interim("Help.", 0.3), eager_end("Help.", 0.6))
        await llm.asked("Help.", speculative=True)
        session.cut()
        await agent.up.wait_for(ErrorFrame)
        await agent.down.wait_for(LLMTextFrame)
    assert llm.questions == [Question("Help.", speculative=True)]
    assert answers(agent) == ["Help."]


async def test_a_stream_that_ends_in_the_pause_settles_the_guess(server: ScriptedServer) -> None:
    stt = service(server)
    async with running(stt) as agent:
        session = await server.session()
        await session.send(SpeechStarted(start=0.1))
        await guess(agent, session, "bye", 0.8)
        session.last_words = [final("bye", 0.5, at=0.8), turn_end("bye", 0.8)]
    names = (EagerTranscriptionFrame, TranscriptionFrame, ProposedUserStoppedSpeakingFrame, EndFrame)
    assert agent.down.names(*names) == [kind.__name__ for kind in names]
    assert not stt.eager_end_of_turn_pending

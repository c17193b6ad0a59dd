"""While the user is muted, no audio is sent; the words before a mute are not joined to those after it."""

from __future__ import annotations

import pytest
from pipecat.frames.frames import (
    BotStartedSpeakingFrame,
    BotStoppedSpeakingFrame,
    Frame,
    InputAudioRawFrame,
    LLMContextFrame,
    ProposedUserStartedSpeakingFrame,
    ProposedUserStoppedSpeakingFrame,
    STTMuteFrame,
    TranscriptionFrame,
    UserMuteStartedFrame,
    UserMuteStoppedFrame,
    UserStartedSpeakingFrame,
    UserStoppedSpeakingFrame,
)
from pipecat.processors.frame_processor import FrameDirection
from pipecat.turns.user_mute import AlwaysUserMuteStrategy

from auricle.protocol.client_messages import Finalize
from auricle.protocol.server_messages import SpeechStarted
from pipecat_auricle import AuricleSTTService
from tests.support.adapters.pipecat_pipeline import Agent, aggregator, audio, running
from tests.support.scripted.session import Session
from tests.support.scripted_server import ScriptedServer
from tests.support.server_events import final, interim, turn_end


async def speak(agent: Agent, session: Session, seconds: float) -> None:
    """Sends audio that must arrive."""
    wanted = session.seconds + seconds
    await agent.speak(seconds)
    await session.until(lambda: session.seconds >= wanted - 0.001)


@pytest.mark.parametrize(
    ("mute", "unmute"),
    [
        (UserMuteStartedFrame(), UserMuteStoppedFrame()),
        (STTMuteFrame(mute=True), STTMuteFrame(mute=False)),
    ],
    ids=["strategy", "stt"],
)
async def test_nothing_said_while_muted_is_heard(server: ScriptedServer, mute: Frame, unmute: Frame) -> None:
    async with running(AuricleSTTService(url=server.url)) as agent:
        session = await server.session()
        await speak(agent, session, 0.2)
        await agent.send(mute, *audio(0.4))
        flush = await session.next(Finalize)
        await agent.send(unmute)
        await speak(agent, session, 0.1)
        assert session.seconds == pytest.approx(0.3)
        before = sum(item for item in session.log[: session.log.index(flush)] if isinstance(item, int))
        assert before == 0.2 * 16_000 * 2
        # The audio frames still go down the pipeline.
        assert len(agent.down.of(InputAudioRawFrame)) == 35


async def test_words_before_the_mute_are_final_at_once_and_not_joined_to_those_after(server: ScriptedServer) -> None:
    async with running(AuricleSTTService(url=server.url)) as agent:
        session = await server.session()
        await agent.vad(speaking=True)
        await session.send(interim("before", 0.2))
        await agent.send(STTMuteFrame(mute=True))
        await session.send(final("Before", 0.2, await session.next(Finalize)))
        before = await agent.down.wait_for(TranscriptionFrame)
        await agent.send(STTMuteFrame(mute=False))
        await agent.vad(speaking=False)
        await session.send(final("after.", 0.6, await session.next(Finalize)))
        after = await agent.down.wait_for(TranscriptionFrame)
    assert [(frame.text, frame.finalized) for frame in (before, after)] == [("Before", False), ("after.", True)]


async def test_the_final_of_a_mute_is_not_the_last_while_that_of_a_stop_is_to_come(server: ScriptedServer) -> None:
    async with running(AuricleSTTService(url=server.url)) as agent:
        session = await server.session()
        await agent.vad(speaking=True)
        await agent.send(STTMuteFrame(mute=True))
        of_mute = await session.next(Finalize)
        await agent.send(STTMuteFrame(mute=False))
        await agent.vad(speaking=False)
        of_stop = await session.next(Finalize)
        await session.send(final("Before", 0.2, of_mute), final("after.", 0.6, of_stop))
        before, after = [await agent.down.wait_for(TranscriptionFrame) for _ in range(2)]
    assert [(frame.text, frame.finalized) for frame in (before, after)] == [("Before", False), ("after.", True)]


async def test_a_mute_in_mid_turn_does_not_make_the_user_unheard(server: ScriptedServer) -> None:
    """For the server the turn is open after the mute and does not start again; Pipecat did not see it end."""
    user = aggregator(user_mute_strategies=[AlwaysUserMuteStrategy()], user_turn_stop_timeout=0.05)
    async with running(AuricleSTTService(url=server.url, turn_detection="server"), user) as agent:
        session = await server.session()
        await session.send(SpeechStarted(start=0.1), interim("actually", 0.4))
        await agent.down.wait_for(UserStartedSpeakingFrame)
        await agent.worker.queue_frame(BotStartedSpeakingFrame(), FrameDirection.UPSTREAM)
        await session.send(final("Actually", 0.4, await session.next(Finalize)))
        await agent.worker.queue_frame(BotStoppedSpeakingFrame(), FrameDirection.UPSTREAM)
        await agent.up.wait_for(UserMuteStoppedFrame)
        await session.send(interim("do", 1.2), final("Do it.", 1.4, at=2.0), turn_end("Actually Do it.", 2.0))
        context = await agent.down.wait_for(LLMContextFrame)
    message = context.context.get_messages()[-1]
    assert isinstance(message, dict)
    assert str(message["content"]).endswith("Do it.")


async def test_a_turn_that_ended_unheard_does_not_stay_open(server: ScriptedServer) -> None:
    """The muted aggregator gets no stop; while it thinks that the user speaks, its watchdog ends no turn."""
    user = aggregator(user_mute_strategies=[AlwaysUserMuteStrategy()], user_turn_stop_timeout=0.05)
    async with running(AuricleSTTService(url=server.url, turn_detection="server"), user) as agent:
        session = await server.session()
        await session.send(SpeechStarted(start=0.1), interim("actually", 0.4))
        await agent.down.wait_for(UserStartedSpeakingFrame)
        await agent.worker.queue_frame(BotStartedSpeakingFrame(), FrameDirection.UPSTREAM)
        await session.send(final("Actually", 0.4, await session.next(Finalize)))
        await agent.up.wait_for(ProposedUserStoppedSpeakingFrame)
        await agent.worker.queue_frame(BotStoppedSpeakingFrame(), FrameDirection.UPSTREAM)
        await agent.down.wait_for(UserStoppedSpeakingFrame)


async def test_a_turn_that_began_unheard_starts_when_the_user_is_heard(server: ScriptedServer) -> None:
    async with running(AuricleSTTService(url=server.url, turn_detection="server"), aggregator()) as agent:
        session = await server.session()
        await session.send(SpeechStarted(start=0.1))
        await agent.up.wait_for(ProposedUserStartedSpeakingFrame)
        await agent.send(UserMuteStartedFrame())
        await session.send(final("", 0.2, await session.next(Finalize)))
        await agent.send(UserMuteStoppedFrame())
        await session.send(interim("hello", 1.2), final("Hello.", 1.4, at=2.0), turn_end("Hello.", 2.0))
        await agent.up.wait_for(ProposedUserStartedSpeakingFrame)
        await agent.down.wait_for(LLMContextFrame)

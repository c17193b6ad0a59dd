"""Acknowledgements while the bot speaks: they neither interrupt it nor reach the language model."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from pipecat.frames import frames as pipecat_frames
from pipecat.frames.frames import (
    BotStartedSpeakingFrame,
    BotStoppedSpeakingFrame,
    InterimTranscriptionFrame,
    ProposedUserStartedSpeakingFrame,
    ProposedUserStoppedSpeakingFrame,
    TranscriptionFrame,
)
from pipecat.processors.frame_processor import FrameDirection

from auricle.protocol.client_messages import Finalize
from auricle.protocol.server_messages import Final, SpeechStarted
from pipecat_auricle import AuricleSTTService
from pipecat_auricle.turns.backchannels import may_become_backchannel
from tests.support.adapters.pipecat_pipeline import Agent, running
from tests.support.scripted.session import Session
from tests.support.scripted_server import ScriptedServer
from tests.support.server_events import final, interim, turn_end

pytestmark = pytest.mark.skipif(
    not hasattr(pipecat_frames, "UserBackchannelFrame"), reason="Pipecat has the frame from 1.13 on"
)
ALL = (
    ProposedUserStartedSpeakingFrame,
    InterimTranscriptionFrame,
    TranscriptionFrame,
    ProposedUserStoppedSpeakingFrame,
)


def backchannel(text: str, end: float, probability: float, answers: Finalize | None = None) -> Final:
    return replace(final(text, end, answers, at=end + 0.5), backchannel=probability)


@asynccontextmanager
async def talking(stt: AuricleSTTService, server: ScriptedServer) -> AsyncIterator[tuple[Agent, Session]]:
    """A pipeline whose bot speaks, as the transport's output says upstream."""
    async with running(stt) as agent:
        session = await server.session()
        await bot(agent, speaking=True)
        yield agent, session


async def bot(agent: Agent, *, speaking: bool) -> None:
    frame = BotStartedSpeakingFrame() if speaking else BotStoppedSpeakingFrame()
    await agent.down.push_frame(frame, FrameDirection.UPSTREAM)
    await agent.up.passed(frame)


async def next_backchannel(agent: Agent) -> tuple[str, str]:
    frame = await agent.down.wait_for(pipecat_frames.UserBackchannelFrame)
    return frame.text, frame.user_id


async def test_with_the_servers_turns_the_bot_is_not_interrupted(server: ScriptedServer) -> None:
    """And the next turn, of other words, is a turn as always."""
    stt = AuricleSTTService(url=server.url, turn_detection="server")
    async with talking(stt, server) as (agent, session):
        await session.send(SpeechStarted(start=0.1), interim("okay", 0.4), backchannel("Okay.", 0.4, 0.7))
        assert await next_backchannel(agent) == ("Okay.", "")
        await session.send(turn_end("Okay.", 0.9), SpeechStarted(start=1.1), interim("okay but", 1.4))
        await agent.down.wait_for(InterimTranscriptionFrame)
        await session.send(backchannel("Okay but wait.", 1.8, 0.02), turn_end("Okay but wait.", 2.3))
        await agent.down.wait_for(ProposedUserStoppedSpeakingFrame)
    assert agent.down.names(*ALL) == [kind.__name__ for kind in ALL]


async def test_with_pipecats_turns_it_stands_for_the_transcript(server: ScriptedServer) -> None:
    async with talking(AuricleSTTService(url=server.url), server) as (agent, session):
        await agent.vad(speaking=True)
        await agent.speak(0.5)
        await agent.vad(speaking=False)
        await session.send(interim("mm-hm", 0.4), backchannel("Mm-hm.", 0.4, 0.95, await session.next(Finalize)))
        assert await next_backchannel(agent) == ("Mm-hm.", "")
    assert agent.down.of(*ALL) == []


async def test_while_the_bot_is_silent_it_is_an_answer(server: ScriptedServer) -> None:
    stt = AuricleSTTService(url=server.url, turn_detection="server")
    async with talking(stt, server) as (agent, session):
        await bot(agent, speaking=False)
        await session.send(SpeechStarted(start=0.1), backchannel("Okay.", 0.4, 0.7), turn_end("Okay.", 0.9))
        assert (await agent.down.wait_for(TranscriptionFrame)).text == "Okay."


@pytest.mark.parametrize(("threshold", "probability"), [(0.6, 0.5), (0.8, 0.7), (None, 0.95), (0.6, None)])
async def test_below_the_threshold_it_is_a_turn(
    server: ScriptedServer, threshold: float | None, probability: float | None
) -> None:
    stt = AuricleSTTService(url=server.url, turn_detection="server", backchannel_threshold=threshold)
    async with talking(stt, server) as (agent, session):
        said = replace(final("Yeah.", 0.4, at=0.9), backchannel=probability)
        await session.send(SpeechStarted(start=0.1), interim("yeah", 0.4), said, turn_end("Yeah.", 0.9))
        await agent.down.wait_for(ProposedUserStoppedSpeakingFrame)
    assert "TranscriptionFrame" in agent.down.names(*ALL)
    assert agent.down.of(pipecat_frames.UserBackchannelFrame) == []


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("", "", True),
        ("yeah yeah I see", "en-US", True),
        ("Mm-hm,", "en-GB", True),
        ("stop", "en-US", False),
        ("okay stop", "en-US", False),
        ("okay", "de-DE", False),
        ("ok " * 9, "en-US", False),
        ("4", "en-US", True),
    ],
)
def test_words_that_are_none_interrupt_at_once(text: str, language: str, *, expected: bool) -> None:
    assert may_become_backchannel(text, language) is expected

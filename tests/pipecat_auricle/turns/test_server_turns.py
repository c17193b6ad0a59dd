"""The server detects turns: proposals before and after the transcripts."""

from __future__ import annotations

import asyncio
import time
from unittest.mock import patch

from pipecat.frames.frames import (
    Frame,
    InterimTranscriptionFrame,
    LLMContextFrame,
    ProposedUserStartedSpeakingFrame,
    ProposedUserStoppedSpeakingFrame,
    STTMetadataFrame,
    STTUpdateSettingsFrame,
    TranscriptionFrame,
    UserStartedSpeakingFrame,
    UserStoppedSpeakingFrame,
)
from pipecat.processors.frame_processor import FrameCallback, FrameDirection, FrameProcessor
from pipecat.transcriptions.language import Language
from pipecat.turns.user_stop import SpeechTimeoutUserTurnStopStrategy
from pipecat.turns.user_turn_strategies import ExternalUserTurnStrategies

from auricle.protocol.client_messages import Finalize, Update
from auricle.protocol.server_messages import SpeechStarted
from pipecat_auricle import AuricleSTTService
from pipecat_auricle.recognition import Recognition
from tests.support.adapters.pipecat_pipeline import aggregator, running
from tests.support.scripted.script import PATIENCE
from tests.support.scripted_server import ScriptedServer
from tests.support.server_events import final, interim, turn_end

TURN: tuple[type[Frame], ...] = (
    ProposedUserStartedSpeakingFrame,
    InterimTranscriptionFrame,
    TranscriptionFrame,
    ProposedUserStoppedSpeakingFrame,
)


def said(frame: LLMContextFrame) -> object:
    message = frame.context.get_messages()[-1]
    assert isinstance(message, dict)
    return message["content"]


async def test_a_turn_is_proposed_around_its_words(server: ScriptedServer) -> None:
    settings = AuricleSTTService.Settings(silence_ms=700)
    async with running(AuricleSTTService(url=server.url, turn_detection="server", settings=settings)) as agent:
        session = await server.session()
        assert (session.start.turn.mode, session.start.turn.silence_ms) == ("silence", 700)
        await session.send(SpeechStarted(start=0.1), interim("one", 0.4))
        await agent.down.wait_for(InterimTranscriptionFrame)
        await session.send(interim("one two", 0.8))
        await session.send(final("One two.", 0.8, at=1.6), turn_end("One two.", 1.6))
        await agent.down.wait_for(ProposedUserStoppedSpeakingFrame)
        await agent.up.wait_for(ProposedUserStoppedSpeakingFrame)
    assert agent.down.names(*TURN) == [
        "ProposedUserStartedSpeakingFrame",
        "InterimTranscriptionFrame",
        "InterimTranscriptionFrame",
        "TranscriptionFrame",
        "ProposedUserStoppedSpeakingFrame",
    ]
    (transcript,) = agent.down.of(TranscriptionFrame)
    assert isinstance(transcript, TranscriptionFrame)
    assert (transcript.text, transcript.finalized, transcript.language) == ("One two.", True, Language.EN_US)
    assert not agent.down.of(UserStartedSpeakingFrame, UserStoppedSpeakingFrame)


async def test_the_service_recommends_the_strategies_that_follow_it(server: ScriptedServer) -> None:
    stt = AuricleSTTService(url=server.url, turn_detection="server", should_interrupt=False)
    async with running(stt) as agent:
        metadata = await agent.down.wait_for(STTMetadataFrame)
    assert isinstance(metadata.user_turn_strategies, ExternalUserTurnStrategies)
    assert not metadata.user_turn_strategies.enable_interruptions
    assert metadata.ttfs_p99_latency == 0.0


async def test_a_whole_turn_in_one_burst_survives_the_interruption_that_it_causes(server: ScriptedServer) -> None:
    """After a replay everything comes at once."""
    async with running(AuricleSTTService(url=server.url, turn_detection="server"), aggregator()) as agent:
        session = await server.session()
        for turn in range(3):
            at = 10.0 * turn
            await session.send(SpeechStarted(start=at), interim("call me", at + 0.4))
            await session.send(final("Call me.", at + 0.5, at=at + 1.0), turn_end("Call me.", at + 1.0))
            await agent.down.wait_for(UserStartedSpeakingFrame)
            assert said(await agent.down.wait_for(LLMContextFrame)) == "Call me."
            await agent.down.wait_for(UserStoppedSpeakingFrame)


class Translator(FrameProcessor):
    """Delays text, as a processor between the service and the aggregator may; `release` lets the start pass."""

    def __init__(self) -> None:
        super().__init__()
        self._start: Frame | None = None
        self._turn_queued = asyncio.Event()

    async def queue_frame(
        self,
        frame: Frame,
        direction: FrameDirection = FrameDirection.DOWNSTREAM,
        callback: FrameCallback | None = None,
    ) -> None:
        await super().queue_frame(frame, direction, callback)
        if isinstance(frame, ProposedUserStoppedSpeakingFrame):
            self._turn_queued.set()

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, ProposedUserStartedSpeakingFrame):
            self._start = frame
            return
        if isinstance(frame, InterimTranscriptionFrame):
            await asyncio.Event().wait()  # until an interruption cancels it
        await self.push_frame(frame, direction)

    async def release(self) -> None:
        async with asyncio.timeout(PATIENCE):
            await self._turn_queued.wait()
        assert self._start is not None
        await self.push_frame(self._start)


async def test_words_on_their_way_survive_the_interruption_that_they_cause(server: ScriptedServer) -> None:
    translator = Translator()
    stt = AuricleSTTService(url=server.url, turn_detection="server")
    async with running(stt, translator, aggregator()) as agent:
        session = await server.session()
        await session.send(SpeechStarted(start=0.1), interim("call me", 0.4))
        await session.send(final("Call me.", 0.5, at=1.0), turn_end("Call me.", 1.0))
        await translator.release()
        assert said(await agent.down.wait_for(LLMContextFrame)) == "Call me."


async def test_strategies_that_the_application_names_win(server: ScriptedServer) -> None:
    user = aggregator(stop=SpeechTimeoutUserTurnStopStrategy(user_speech_timeout=0.01))
    async with running(AuricleSTTService(url=server.url, turn_detection="server"), user) as agent:
        session = await server.session()
        await agent.vad(speaking=True)
        await agent.vad(speaking=False)
        await session.send(SpeechStarted(start=0.1), final("Mine.", 0.5, at=1.0), turn_end("Mine.", 1.0))
        assert said(await agent.down.wait_for(LLMContextFrame)) == "Mine."
        assert [item for item in session.log if isinstance(item, Finalize)] == []


async def test_an_interim_opens_a_turn_that_the_server_thinks_open(server: ScriptedServer) -> None:
    async with running(AuricleSTTService(url=server.url, turn_detection="server")) as agent:
        session = await server.session()
        await session.send(interim("again", 0.4), final("Again.", 0.5, at=1.0), turn_end("Again.", 1.0))
        await agent.down.wait_for(ProposedUserStoppedSpeakingFrame)
    assert agent.down.names(*TURN)[0] == "ProposedUserStartedSpeakingFrame"


async def test_a_final_opens_a_turn_that_the_server_thinks_open(server: ScriptedServer) -> None:
    """Words after a mute, with a final and no interim before it."""
    async with running(AuricleSTTService(url=server.url, turn_detection="server")) as agent:
        session = await server.session()
        await session.send(final("Again.", 0.5, at=1.0), turn_end("Again.", 1.0))
        await agent.down.wait_for(ProposedUserStoppedSpeakingFrame)
    assert agent.down.names(*TURN) == [
        "ProposedUserStartedSpeakingFrame",
        "TranscriptionFrame",
        "ProposedUserStoppedSpeakingFrame",
    ]


async def test_a_segment_cut_in_mid_turn_is_not_the_last(server: ScriptedServer) -> None:
    async with running(AuricleSTTService(url=server.url, turn_detection="server")) as agent:
        session = await server.session()
        await session.send(SpeechStarted(start=0.1), final("A long story", 60.0, at=60.2))
        cut = await agent.down.wait_for(TranscriptionFrame)
        await session.send(interim("that", 61.5))
        shown = await agent.down.wait_for(InterimTranscriptionFrame)
        await session.send(final("that ends.", 62.0, at=62.6), turn_end("A long story that ends.", 62.6))
        last = await agent.down.wait_for(TranscriptionFrame)
        await agent.down.wait_for(ProposedUserStoppedSpeakingFrame)
    assert (cut.finalized, last.finalized) == (False, True)
    # A display joins the finals and appends the interim, which the next final replaces.
    assert (cut.text, shown.text, last.text) == ("A long story", "that", "that ends.")
    assert len(agent.down.of(ProposedUserStartedSpeakingFrame)) == 1


async def test_a_shorter_silence_holds_from_the_next_turn_on(server: ScriptedServer) -> None:
    async with running(AuricleSTTService(url=server.url, turn_detection="server")) as agent:
        session = await server.session()
        await agent.send(STTUpdateSettingsFrame(delta=AuricleSTTService.Settings(silence_ms=300)))
        await session.next(Update)
        await session.send(SpeechStarted(start=0.5), final("Quick.", 1.0, at=1.3), turn_end("Quick.", 1.3))
        assert (await agent.down.wait_for(TranscriptionFrame)).finalized


async def test_a_turn_of_several_segments_is_one_message_with_a_space_between_them(server: ScriptedServer) -> None:
    async with running(AuricleSTTService(url=server.url, turn_detection="server"), aggregator()) as agent:
        session = await server.session()
        await session.send(SpeechStarted(start=0.1), final(" A long story", 60.0, at=60.2), interim(" that", 61.5))
        await session.send(final(" that ends. ", 62.0, at=62.6), turn_end("A long story that ends.", 62.6))
        assert said(await agent.down.wait_for(LLMContextFrame)) == "A long story that ends."
        await agent.down.wait_for(UserStoppedSpeakingFrame)


async def test_a_turn_that_ends_without_words_is_closed(server: ScriptedServer) -> None:
    async with running(AuricleSTTService(url=server.url, turn_detection="server")) as agent:
        session = await server.session()
        await session.send(SpeechStarted(start=0.1), turn_end("", 1.0))
        await agent.down.wait_for(ProposedUserStoppedSpeakingFrame)
    assert not agent.down.of(TranscriptionFrame)


async def test_audio_that_dries_up_in_mid_turn_does_not_leave_the_turn_open(server: ScriptedServer) -> None:
    """The microphone is switched off: the server's clock stops, and its silence never comes."""
    settings = AuricleSTTService.Settings(silence_ms=80)
    stt = AuricleSTTService(url=server.url, turn_detection="server", settings=settings, stall_timeout=0.02)
    async with running(stt, aggregator(user_turn_stop_timeout=60.0)) as agent:
        session = await server.session()
        await session.send(SpeechStarted(start=0.1), interim("wait for", 0.4))
        await session.send(final("Wait for", 0.4, await session.next(Finalize)))
        assert said(await agent.down.wait_for(LLMContextFrame)) == "Wait for"
        await session.send(turn_end("Wait for", 0.9))  # once the audio is back
        await session.send(SpeechStarted(start=2.0), final("me.", 2.2, at=2.8), turn_end("me.", 2.8))
        assert said(await agent.down.wait_for(LLMContextFrame)) == "me."


async def test_a_slow_server_is_left_to_end_its_turn(server: ScriptedServer) -> None:
    """While audio comes, the server's clock runs; an early finalize would split the turn."""
    settings = AuricleSTTService.Settings(silence_ms=80)
    stt = AuricleSTTService(url=server.url, turn_detection="server", settings=settings, stall_timeout=0.0)
    looks = asyncio.Event()
    audio_has_stopped = Recognition._audio_has_stopped

    def look(recognition: Recognition) -> bool:
        recognition.connection.last_audio_at = (
            time.monotonic()
        )  # as if audio had come just now, however busy this machine is
        looks.set()
        return audio_has_stopped(recognition)

    with patch.object(Recognition, "_audio_has_stopped", look):
        async with running(stt) as agent:
            session = await server.session()
            await session.send(SpeechStarted(start=0.1), interim("well", 0.4))
            async with asyncio.timeout(PATIENCE):
                await looks.wait()
            await session.send(final("Well.", 0.4, at=3.0), turn_end("Well.", 3.0))
            await agent.down.wait_for(ProposedUserStoppedSpeakingFrame)
            assert [item for item in session.log if isinstance(item, Finalize)] == []

"""Pipecat detects turns: each stop of its voice detection requests a final."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pipecat.frames.frames import (
    InterimTranscriptionFrame,
    LLMContextFrame,
    MetricsFrame,
    ProposedUserStartedSpeakingFrame,
    ProposedUserStoppedSpeakingFrame,
    STTMetadataFrame,
    TranscriptionFrame,
    UserAudioRawFrame,
    UserStartedSpeakingFrame,
    UserStoppedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.metrics.metrics import MetricsData, STTUsageMetricsData, TTFBMetricsData
from pipecat.transcriptions.language import Language
from pipecat.turns.user_stop import SpeechTimeoutUserTurnStopStrategy

from auricle.protocol.client_messages import Finalize
from auricle.protocol.server_messages import Final, SpeechStarted
from pipecat_auricle import AuricleSTTService
from tests.support.adapters.pipecat_pipeline import Agent, aggregator, running
from tests.support.scripted_server import ScriptedServer
from tests.support.server_events import final, interim


def metrics(agent: Agent, kind: type[MetricsData]) -> list[MetricsData]:
    frames = [frame for frame in agent.down.frames if isinstance(frame, MetricsFrame)]
    return [data for frame in frames for data in frame.data if isinstance(data, kind) and data.processor]


async def test_a_vad_stop_is_answered_by_the_finalized_transcript(server: ScriptedServer) -> None:
    async with running(AuricleSTTService(url=server.url)) as agent:
        session = await server.session()
        assert session.start.turn.mode == "off"
        await agent.vad(speaking=True)
        await agent.speak(0.4)
        await session.until(lambda: session.seconds >= 0.36)
        await session.send(interim("hello", 0.2))
        shown = await agent.down.wait_for(InterimTranscriptionFrame)
        await agent.vad(speaking=False)
        finalize = await session.next(Finalize)
        await session.send(final(" Hello there. ", 0.4, finalize))
        heard = await agent.down.wait_for(TranscriptionFrame)

    assert (shown.text, heard.text, heard.language) == ("hello", "Hello there.", Language.EN_US)
    assert heard.finalized
    assert isinstance(heard.result, Final)
    # Pipecat's tracing puts a metric on the span that the next transcript closes.
    assert agent.down.names(MetricsFrame, TranscriptionFrame)[:3] == [
        "MetricsFrame",
        "MetricsFrame",
        "TranscriptionFrame",
    ]
    usage, ttfb = metrics(agent, STTUsageMetricsData), metrics(agent, TTFBMetricsData)
    assert sum(data.value.audio_seconds for data in usage if isinstance(data, STTUsageMetricsData)) >= 0.4
    assert len(ttfb) == 1
    assert ttfb[0].model == "scripted-model"
    assert isinstance(ttfb[0], TTFBMetricsData)
    assert 0.2 <= ttfb[0].value < 2.0


async def test_the_finalize_covers_all_audio_before_the_stop(server: ScriptedServer) -> None:
    async with running(AuricleSTTService(url=server.url)) as agent:
        session = await server.session()
        await agent.vad(speaking=True)
        await agent.speak(0.5)
        await agent.vad(speaking=False)
        finalize = await session.next(Finalize)
        before = sum(item for item in session.log[: session.log.index(finalize)] if isinstance(item, int))
        assert before == 0.5 * 16_000 * 2


async def test_the_final_of_a_pause_that_the_user_spoke_on_after_is_not_the_last(server: ScriptedServer) -> None:
    """Otherwise the turn would end between two halves of a sentence."""
    async with running(AuricleSTTService(url=server.url)) as agent:
        session = await server.session()
        await agent.vad(speaking=True)
        await agent.vad(speaking=False)
        first = await session.next(Finalize)
        await agent.vad(speaking=True)
        await agent.vad(speaking=False)
        second = await session.next(Finalize)
        await session.send(final("I would like", 0.4, first), final("to fly.", 0.8, second))
        halves = [await agent.down.wait_for(TranscriptionFrame) for _ in range(2)]
    assert [(half.text, half.finalized) for half in halves] == [("I would like", False), ("to fly.", True)]


async def test_two_stops_without_speech_between_keep_the_fast_path(server: ScriptedServer) -> None:
    """Two voice detections in one pipeline each report the same stop."""
    async with running(AuricleSTTService(url=server.url)) as agent:
        session = await server.session()
        await agent.vad(speaking=True)
        await agent.vad(speaking=False)
        await agent.vad(speaking=False)
        first, second = await session.next(Finalize), await session.next(Finalize)
        await session.send(final("Yes.", 0.4, first), final("", 0.4, second))
        assert (await agent.down.wait_for(TranscriptionFrame)).finalized


@pytest.mark.parametrize(
    ("code", "language"), [("en-US", Language.EN_US), ("de", Language.DE), ("auto", None), ("", None)]
)
async def test_frames_have_a_concrete_language_or_none(
    server: ScriptedServer, code: str, language: Language | None
) -> None:
    """A code that is no language would break the choice of a voice or a prompt by language."""
    async with running(AuricleSTTService(url=server.url)) as agent:
        session = await server.session()
        await session.send(replace(interim("ja", 0.2), language=code))
        shown = await agent.down.wait_for(InterimTranscriptionFrame)
        await session.send(replace(final("Ja.", 0.4), language=code))
        heard = await agent.down.wait_for(TranscriptionFrame)
    assert (shown.language, heard.language) == (language, language)
    assert type(heard.language) is type(language)


async def test_frames_name_whoever_spoke(server: ScriptedServer) -> None:
    """Transports for several participants name the speaker of each frame."""
    async with running(AuricleSTTService(url=server.url)) as agent:
        session = await server.session()
        await agent.send(UserAudioRawFrame(audio=bytes(640), sample_rate=16_000, num_channels=1, user_id="ada"))
        await session.until(lambda: session.seconds > 0)
        await session.send(interim("it was", 0.2), final("It was me.", 0.4))
        heard = await agent.down.wait_for(TranscriptionFrame)
        (shown,) = agent.down.of(InterimTranscriptionFrame)
    assert isinstance(shown, InterimTranscriptionFrame)
    assert (shown.user_id, heard.user_id) == ("ada", "ada")


async def test_a_final_that_answers_nothing_is_not_the_last(server: ScriptedServer) -> None:
    async with running(AuricleSTTService(url=server.url)) as agent:
        session = await server.session()
        await agent.vad(speaking=True)
        await session.send(final("a segment that grew too long", 60.0))
        assert not (await agent.down.wait_for(TranscriptionFrame)).finalized


async def test_an_empty_answer_pushes_nothing_and_leaves_nothing_behind(server: ScriptedServer) -> None:
    """A cough: what follows must neither be marked by its answer nor be measured against its stop."""
    async with running(AuricleSTTService(url=server.url, stall_timeout=0.02)) as agent:
        session = await server.session()
        await agent.vad(speaking=True)
        await agent.vad(speaking=False)
        await session.send(final("", 0.4, await session.next(Finalize)), final("late", 0.9), interim("later", 1.4))
        await session.send(final("Later.", 1.5, await session.next(Finalize)))
        late = await agent.down.wait_for(TranscriptionFrame)
        later = await agent.down.wait_for(TranscriptionFrame)
    assert [(late.text, late.finalized), (later.text, later.finalized)] == [("late", False), ("Later.", True)]
    assert metrics(agent, TTFBMetricsData) == []


async def test_an_empty_answer_after_text_stops_the_clock_at_once(server: ScriptedServer) -> None:
    async with running(AuricleSTTService(url=server.url, stt_ttfb_timeout=60.0)) as agent:
        session = await server.session()
        await agent.vad(speaking=True)
        await session.send(final("all of it", 0.4))
        await agent.down.wait_for(TranscriptionFrame)
        await agent.vad(speaking=False)
        await session.send(final("", 0.5, await session.next(Finalize)))
        await agent.down.wait_for(MetricsFrame, lambda frame: isinstance(frame.data[0], TTFBMetricsData))
    assert len(agent.down.of(TranscriptionFrame)) == 1


async def test_interims_without_words_or_for_settled_audio_are_not_shown(server: ScriptedServer) -> None:
    """An empty one can interrupt the bot, a stale one takes the mark of the last from the final before it."""
    async with running(AuricleSTTService(url=server.url)) as agent:
        session = await server.session()
        await agent.vad(speaking=True)
        await agent.vad(speaking=False)
        finalize = await session.next(Finalize)
        await session.send(interim("", 0.1), interim(" ", 0.2), final("Done.", 0.4, finalize))
        # The client replaces a waiting interim by a newer one, but not across another event.
        await session.send(interim("done", 0.4), SpeechStarted(start=0.5), interim("next", 0.6))
        assert (await agent.down.wait_for(InterimTranscriptionFrame)).text == "next"
        assert len(agent.down.of(InterimTranscriptionFrame)) == 1


async def test_no_turn_frames_and_a_measured_latency(server: ScriptedServer) -> None:
    async with running(AuricleSTTService(url=server.url)) as agent:
        session = await server.session()
        metadata = await agent.down.wait_for(STTMetadataFrame)
        await agent.vad(speaking=True)
        await agent.vad(speaking=False)
        finalize = await session.next(Finalize)
        await session.send(SpeechStarted(start=0.1), interim("go", 0.2), final("Go.", 0.4, finalize))
        await agent.down.wait_for(TranscriptionFrame)
    assert metadata.user_turn_strategies is None
    assert 0.2 < metadata.ttfs_p99_latency < 1.0
    turns = (
        ProposedUserStartedSpeakingFrame,
        ProposedUserStoppedSpeakingFrame,
        UserStartedSpeakingFrame,
        UserStoppedSpeakingFrame,
    )
    assert agent.down.of(*turns) == agent.up.of(*turns) == []


async def test_the_vad_stop_reaches_the_pipeline_before_its_final(server: ScriptedServer) -> None:
    async with running(AuricleSTTService(url=server.url)) as agent:
        session = await server.session()
        await agent.vad(speaking=True)
        await agent.vad(speaking=False)
        await session.send(final("Go.", 0.4, await session.next(Finalize)))
        await agent.down.wait_for(TranscriptionFrame)
        assert agent.down.names(VADUserStoppedSpeakingFrame, TranscriptionFrame) == [
            "VADUserStoppedSpeakingFrame",
            "TranscriptionFrame",
        ]


async def test_words_that_the_voice_detection_did_not_hear_get_their_final(server: ScriptedServer) -> None:
    """Soft speech, or the tail of a word after a stop: an interim without a final would leave the turn hanging."""
    async with running(AuricleSTTService(url=server.url, stall_timeout=0.02)) as agent:
        session = await server.session()
        await session.send(interim("psst", 0.3))
        await agent.down.wait_for(InterimTranscriptionFrame)
        await session.send(final("Psst.", 0.4, await session.next(Finalize)))
        assert (await agent.down.wait_for(TranscriptionFrame)).finalized


async def test_a_turn_ends_with_its_final_and_not_with_the_timeout(server: ScriptedServer) -> None:
    """Through Pipecat's aggregator: without the mark on the final the turn would wait for 60 s."""
    stt = AuricleSTTService(url=server.url, ttfs_p99_latency=60.0)
    user = aggregator(stop=SpeechTimeoutUserTurnStopStrategy(user_speech_timeout=0.01))
    async with running(stt, user) as agent:
        session = await server.session()
        await agent.vad(speaking=True)
        await session.send(interim("book", 0.2))
        await agent.vad(speaking=False)
        await session.send(final("Book a table.", 0.4, await session.next(Finalize)))
        said = await agent.down.wait_for(LLMContextFrame)
        await agent.down.wait_for(UserStoppedSpeakingFrame)
    assert said.context.get_messages()[-1] == {"role": "user", "content": "Book a table."}


async def test_soft_words_make_a_turn_of_their_own(server: ScriptedServer) -> None:
    """No voice detection at all: Pipecat's fallbacks need a final, and must not wait for its watchdog."""
    stt = AuricleSTTService(url=server.url, stall_timeout=0.02, ttfs_p99_latency=0.01)
    user = aggregator(stop=SpeechTimeoutUserTurnStopStrategy(user_speech_timeout=0.01), user_turn_stop_timeout=60.0)
    async with running(stt, user) as agent:
        session = await server.session()
        await session.send(interim("psst", 0.3))
        await agent.down.wait_for(UserStartedSpeakingFrame)
        await session.send(final("Psst.", 0.4, await session.next(Finalize)))
        await agent.down.wait_for(UserStoppedSpeakingFrame)

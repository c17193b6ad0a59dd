"""Who spoke the words of a transcript."""

from __future__ import annotations

from pipecat.frames.frames import InterimTranscriptionFrame, TranscriptionFrame, UserAudioRawFrame

from auricle.protocol.client_messages import Finalize
from pipecat_auricle import AuricleSTTService
from pipecat_auricle.speakers import KEPT_SECONDS, SpeakerTimeline
from tests.support.adapters.pipecat_pipeline import running
from tests.support.scripted_server import ScriptedServer
from tests.support.server_events import final, interim


def speech(user_id: str, seconds: float) -> list[UserAudioRawFrame]:
    audio = bytes(640)
    return [
        UserAudioRawFrame(audio=audio, sample_rate=16_000, num_channels=1, user_id=user_id)
        for _ in range(round(seconds * 50))
    ]


async def test_a_final_belongs_to_who_spoke_it_and_not_to_who_speaks_when_it_comes(server: ScriptedServer) -> None:
    async with running(AuricleSTTService(url=server.url)) as agent:
        session = await server.session()
        await agent.vad(speaking=True)
        await agent.send(*speech("ada", 1.0))
        await agent.vad(speaking=False)
        finalize = await session.next(Finalize)
        await agent.send(*speech("bob", 2.0))
        await session.until(lambda: session.seconds >= 2.9)
        await session.send(interim("hello", 0.6), final("Hello.", 0.8, finalize, at=1.0), interim("well", 1.9))
        shown = await agent.down.wait_for(InterimTranscriptionFrame)
        said = await agent.down.wait_for(TranscriptionFrame)
        other = await agent.down.wait_for(InterimTranscriptionFrame)
        await session.send(final("Well then.", 2.6))
        answer = await agent.down.wait_for(TranscriptionFrame)
    assert [frame.user_id for frame in (shown, said, other, answer)] == ["ada", "ada", "bob", "bob"]


async def test_words_of_a_lost_stream_belong_to_who_spoke_them(server: ScriptedServer) -> None:
    async with running(AuricleSTTService(url=server.url)) as agent:
        session = await server.session()
        await agent.send(*speech("ada", 0.5), *speech("bob", 0.2))
        await session.until(lambda: session.seconds >= 0.6)
        await session.send(interim("half a", 0.4))
        await agent.down.wait_for(InterimTranscriptionFrame)
        await session.fail("unsupported_language", "gone for good")
        assert (await agent.down.wait_for(TranscriptionFrame)).user_id == "ada"


def test_most_of_the_audio_decides_and_then_the_latest() -> None:
    timeline = SpeakerTimeline()
    assert timeline.user_of(0.0, 1.0) == ""
    for user_id, start, end in (("ada", 0.0, 1.0), ("bob", 1.0, 1.5), ("ada", 1.5, 2.0), ("cyd", 2.0, 3.0)):
        timeline.add(user_id, start, end)
    spans = {(0.0, 2.0): "ada", (0.9, 1.5): "bob", (1.5, 2.5): "cyd", (2.2, 2.2): "cyd", (5.0, 6.0): "cyd"}
    assert {span: timeline.user_of(*span) for span in spans} == spans
    timeline.clear()
    assert timeline.user_of(0.0, 2.0) == ""


def test_a_long_call_takes_no_more_memory_than_a_short_one() -> None:
    timeline = SpeakerTimeline()
    for frame in range(200_000):
        timeline.add(str(frame % 2), frame / 50, (frame + 1) / 50)
    assert len(timeline._spans) <= KEPT_SECONDS * 50 + 2

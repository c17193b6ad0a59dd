"""Eager pauses: the session starts its answer ahead, uses it when nothing more is said, and drops it otherwise."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager

import pytest
from livekit.agents.stt import SpeechEvent, SpeechEventType
from livekit.plugins import auricle

from auricle.protocol import Final, Interim, SpeechStarted, TurnEagerEnd, TurnResumed, Update
from livekit.plugins.auricle._audio import AudioClock
from livekit.plugins.auricle._events import SpeechEvents
from tests.support.adapters.livekit_session import Heard, frames, listening
from tests.support.adapters.livekit_stream import END, FINAL, INTERIM, START, collect, push, texts, transcribe
from tests.support.levels import Audio, audio, level_server
from tests.support.scripted_server import ScriptedServer

PREFLIGHT = SpeechEventType.PREFLIGHT_TRANSCRIPT
EAGER_MS, SILENCE_MS = 160, 480


def interim(text: str) -> Interim:
    return Interim(text=text, start=1.0, end=1.5, language="en-US")


def eager(text: str) -> TurnEagerEnd:
    return TurnEagerEnd(probability=0.5, speech_end=1.5, text=text)


def final(text: str) -> Final:
    return Final(text=text, start=1.0, end=1.5, language="en-US", settled=1.5)


def preflights(*said: Interim | TurnEagerEnd | TurnResumed | Final, server_turns: bool = True) -> list[SpeechEvent]:
    clock = AudioClock()
    clock.push(2.0, 102.0)
    speech = SpeechEvents(clock, server_turns=server_turns)
    speech.offset = 7.0
    speech.of(SpeechStarted(start=1.0))
    return [event for each in said for event in speech.of(each) if event.type is PREFLIGHT]


def test_it_carries_the_segment_that_is_open_with_times_and_language() -> None:
    (event,) = preflights(interim("hello"), final("hello"), interim("there"), eager("hello there"))
    (data,) = event.alternatives
    assert (data.text, data.language) == ("there", "en-US")
    assert [data.start_time, data.end_time] == pytest.approx([8.0, 8.5])
    assert event.speech_end_time == pytest.approx(101.5)


def test_with_no_segment_open_there_is_none() -> None:
    assert preflights(interim("hello"), final("hello"), eager("hello")) == []


def test_a_session_that_decides_for_itself_gets_none() -> None:
    assert preflights(interim("hello"), eager("hello"), server_turns=False) == []


def test_a_full_stop_that_comes_late_starts_nothing_anew() -> None:
    resumed = TurnResumed(probability=0.5)
    said = (interim("hello"), eager("hello"), interim("Hello."), resumed, eager("Hello."))
    assert [event.alternatives[0].text for event in preflights(*said)] == ["hello"]


def test_other_words_in_between_start_anew() -> None:
    resumed = TurnResumed(probability=0.0)
    said = (interim("hi"), eager("hi"), interim("hi Bob"), resumed, interim("hi"), eager("hi"), final("hi"))
    assert len(preflights(*said)) == 2
    assert len(preflights(*said, interim("hi"), eager("hi hi"))) == 3


async def test_it_comes_before_the_final_that_says_the_same() -> None:
    async with level_server() as server:
        stt = auricle.STT(url=server.url, turn_detection="server", silence_ms=SILENCE_MS, eager_silence_ms=EAGER_MS)
        events = await transcribe(stt, audio(0.1, "hello there", 0.7))
    kinds = [event.type for event in events]
    assert kinds[0] is START
    assert kinds[kinds.index(PREFLIGHT) :][:3] == [PREFLIGHT, FINAL, END]
    assert set(kinds[1 : kinds.index(PREFLIGHT)]) == {INTERIM}
    assert texts(events, PREFLIGHT) == texts(events)[:1] == ["hello there"]
    assert server.starts[0].turn.eager_silence_ms == EAGER_MS


async def test_it_can_be_turned_on_and_off_in_band() -> None:
    async with level_server() as server:
        stt = auricle.STT(url=server.url, turn_detection="server", silence_ms=SILENCE_MS)
        async with stt.stream() as stream:
            stt.update_options(eager_silence_ms=EAGER_MS)
            push(stream, audio(0.1, "hello", 0.7))
            stt.update_options(eager_silence_ms=None)
            push(stream, audio("there", 0.7))
            stream.end_input()
            events = await collect(stream)
    assert texts(events, PREFLIGHT) == ["hello"]
    updates = [item.turn for item in server.received if isinstance(item, Update) and item.turn]
    assert [turn.eager_silence_ms for turn in updates] == [EAGER_MS, None]
    assert len(server.starts) == 1


def test_it_needs_the_servers_turns_and_less_than_their_silence() -> None:
    with pytest.raises(ValueError, match='eager_silence_ms: needs turn_detection="server"'):
        auricle.STT(eager_silence_ms=200)
    with pytest.raises(ValueError, match="eager_silence_ms"):
        auricle.STT().update_options(eager_silence_ms=200)
    with pytest.raises(ValueError, match="eager_silence_ms"):
        auricle.STT(turn_detection="server", silence_ms=300, eager_silence_ms=300)


async def test_recognize_asks_for_none() -> None:
    async with level_server() as server:
        stt = auricle.STT(url=server.url, turn_detection="server", eager_silence_ms=EAGER_MS)
        assert (await stt.recognize(frames(audio("hello", 0.1)))).alternatives[0].text == "hello"
    assert server.starts[0].turn.eager_silence_ms is None


def answering(speech: Audio, server: ScriptedServer) -> AbstractAsyncContextManager[Heard]:
    """A session that may start its answers ahead."""
    stt = auricle.STT(url=server.url, turn_detection="server", silence_ms=SILENCE_MS, eager_silence_ms=EAGER_MS)
    turns = {
        "turn_detection": "stt",
        "endpointing": {"min_delay": 0.0},
        "preemptive_generation": {"enabled": True},
    }
    return listening(speech, stt=stt, vad=None, turn_handling=turns)


async def test_an_answer_started_ahead_is_the_answer_when_nothing_more_is_said() -> None:
    async with level_server() as server, answering(audio(0.1, "hello there", 0.1), server) as heard:
        await heard.until(lambda: bool(heard.turns))
        await heard.until(lambda: "Yes." in [m.text_content for m in heard.session.history.messages()])
    assert heard.turns == ["hello there"]
    assert heard.model.asked == ["hello there"]
    assert heard.model.drops.empty()


async def test_an_answer_started_ahead_is_dropped_when_the_speaker_goes_on() -> None:
    speech = audio(0.1, "hello there", 0.36, "how are", 0.1)
    async with level_server() as server, answering(speech, server) as heard:
        heard.model.free.clear()
        await heard.until(lambda: "hello there how" in heard.interims)
        assert await asyncio.wait_for(heard.model.drops.get(), 5) == "hello there"
        heard.model.free.set()
        await heard.until(lambda: bool(heard.turns))
    assert heard.turns == ["hello there how are"]
    assert heard.model.asked == ["hello there", "hello there how are"]
    assert heard.model.drops.empty()

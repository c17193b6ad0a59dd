"""The client gives up: the stream goes on where it was when LiveKit runs it again, and is completed otherwise."""

from __future__ import annotations

import asyncio
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
from livekit.agents import APIConnectOptions, APIStatusError
from livekit.agents.stt import FallbackAdapter, RecognizeStream, SpeechEvent, SpeechEventType
from livekit.agents.voice.agent_session import SessionConnectOptions
from livekit.plugins import auricle

from auricle import ReconnectPolicy
from auricle.protocol import codes
from tests.support.adapters.livekit_session import EnergyVAD, frames, listening, needs_flush
from tests.support.adapters.livekit_stream import END, FINAL, INTERIM, START, collect, push, texts, up_to
from tests.support.levels import audio, level_server
from tests.support.scripted.script import Fault
from tests.support.scripted_server import ScriptedServer

NEVER = ReconnectPolicy(attempts=0)
QUICK = ReconnectPolicy(first_delay=0.02, jitter=0.0)
ONCE = APIConnectOptions(max_retry=0)
PROMPT = APIConnectOptions(max_retry=3, retry_interval=0.05)
VAD_TURNS: dict[str, Any] = {"turn_detection": "vad", "endpointing": {"min_delay": 0.25}}
SENTENCE = "hello there how are you"
MOMENTS = [0.05, 0.2, 0.3, 0.45, 0.6, 0.75, 0.9, 1.05, 1.2]


def failing(*moments: float) -> ScriptedServer:
    return level_server(faults=[Fault("fail", seconds=moment, code=codes.INTERNAL) for moment in moments])


@pytest.mark.parametrize("moment", MOMENTS)
async def test_no_word_is_lost_or_doubled_wherever_it_was(moment: float) -> None:
    async with (
        failing(moment) as server,
        auricle.STT(url=server.url, reconnect=NEVER).stream(conn_options=PROMPT) as stream,
    ):
        stream.start_time_offset = 3.0
        push(stream, audio(0.1, SENTENCE, 0.2))
        stream.end_input()
        events = await collect(stream)
    assert len(server.starts) == 2
    assert texts(events) == [SENTENCE]
    words = events[-1].alternatives[0].words or []
    assert [word.start_time for word in words] == [pytest.approx(3.1 + 0.2 * n, abs=0.001) for n in range(5)]
    shown = texts(events, INTERIM)
    assert all(later.startswith(earlier) for earlier, later in pairwise(shown))


async def test_it_is_taken_up_as_often_as_it_fails() -> None:
    async with (
        failing(0.3, 0.5, 0.7) as server,
        auricle.STT(url=server.url, reconnect=NEVER).stream(conn_options=PROMPT) as stream,
    ):
        push(stream, audio(0.1, SENTENCE, 0.2))
        stream.end_input()
        assert texts(await collect(stream)) == [SENTENCE]
    assert len(server.starts) == 4


async def test_a_flush_is_answered_once_whichever_run_it_was_asked_in() -> None:
    async with (
        failing(0.3) as server,
        auricle.STT(url=server.url, reconnect=NEVER).stream(conn_options=PROMPT) as stream,
    ):
        push(stream, audio(0.4))
        stream.flush()
        answer = await up_to(stream, FINAL)
        push(stream, audio("hello"))
        stream.end_input()
        events = await collect(stream)
    assert texts(answer) == [""]
    assert texts(events) == ["hello"]


async def test_a_turn_of_the_servers_starts_once_and_ends_once() -> None:
    async with (
        failing(0.58) as server,
        auricle.STT(url=server.url, reconnect=NEVER, turn_detection="server", silence_ms=300).stream(
            conn_options=PROMPT
        ) as stream,
    ):
        push(stream, audio(0.1, "hello there", 0.6))
        stream.end_input()
        events = await collect(stream)
    kinds = [event.type for event in events if event.type is not INTERIM]
    assert kinds[:3] == [START, FINAL, END]
    assert kinds.count(START) == kinds.count(END) == 1
    assert texts(events)[0] == "hello there"


@needs_flush
async def test_a_frame_that_was_half_sent_is_not_sent_again_from_its_beginning() -> None:
    speech = audio(0.1, "hello there", 50.0, "how are", 1.0)
    (frame,) = frames(speech, speech.seconds)
    async with (
        failing(1.0) as server,
        auricle.STT(url=server.url, reconnect=NEVER).stream(conn_options=PROMPT) as stream,
    ):
        stream.push_frame(frame)
        stream.end_input()
        (final,) = (event for event in await collect(stream) if event.type is FINAL)
    data = final.alternatives[0]
    assert data.text == "hello there how are"
    assert data.end_time == pytest.approx(speech.speech_ends[-1], abs=0.001)


def heard(server: ScriptedServer, seconds: float) -> bool:
    """Whether one of the connections has brought so much audio."""
    return any(session.seconds >= seconds for session in server.sessions)


async def test_no_more_is_replayed_than_is_kept() -> None:
    """What no longer fits is lost, but what comes after it is where it belongs."""
    policy = ReconnectPolicy(attempts=0, replay_seconds=1.0)
    async with (
        failing(2.4) as server,
        auricle.STT(url=server.url, reconnect=policy).stream(conn_options=PROMPT) as stream,
    ):
        said = 0.0
        for part in (audio("hello", 1.0), audio("there", 1.0), audio("how", 0.4)):
            push(stream, part)
            said += part.seconds
            await server.until(partial(heard, server, min(said, 2.4) - 0.1))
        push(stream, audio("are"))
        stream.end_input()
        events = await collect(stream)
    (*_, word) = events[-1].alternatives[0].words or []
    assert str(word) == "are"
    assert word.start_time == pytest.approx(3.0, abs=0.001)
    assert "there" not in texts(events)[-1]


async def up_to_the_error(stream: RecognizeStream) -> list[SpeechEvent]:
    events: list[SpeechEvent] = []

    async def read() -> None:
        async for event in stream:
            events.append(event)  # noqa: PERF401  # those before the error are wanted

    with pytest.raises(APIStatusError):
        await read()
    return [event for event in events if event.type is not SpeechEventType.RECOGNITION_USAGE]


async def test_words_that_were_shown_become_final_when_nobody_tries_again() -> None:
    async with (
        failing(0.58) as server,
        auricle.STT(url=server.url, reconnect=NEVER).stream(conn_options=ONCE) as stream,
    ):
        push(stream, audio(0.1, "hello there", 0.1))
        events = await up_to_the_error(stream)
    assert texts(events, INTERIM)[-1] == "hello there"
    assert texts(events) == ["hello there"]


async def test_a_turn_that_is_open_when_nobody_tries_again_is_ended() -> None:
    async with (
        failing(0.58) as server,
        auricle.STT(url=server.url, reconnect=NEVER, turn_detection="server").stream(conn_options=ONCE) as stream,
    ):
        push(stream, audio(0.1, "hello there", 0.1))
        events = await up_to_the_error(stream)
    assert [event.type for event in events if event.type is not INTERIM] == [START, FINAL, END]
    assert events[-1].speech_end_time == events[-2].speech_end_time


async def test_a_flush_that_waits_when_nobody_tries_again_is_answered() -> None:
    async with (
        failing(0.3) as server,
        auricle.STT(url=server.url, reconnect=NEVER).stream(conn_options=ONCE) as stream,
    ):
        push(stream, audio(0.4))
        stream.flush()
        assert texts(await up_to_the_error(stream)) == [""]


async def test_livekits_failover_goes_on_behind_the_words_that_were_shown() -> None:
    async with failing(0.58) as first, level_server() as second:
        stts = [auricle.STT(url=server.url, reconnect=NEVER) for server in (first, second)]
        adapter = FallbackAdapter(list(stts), max_retry_per_stt=0)
        async with adapter.stream() as stream:
            push(stream, audio(0.1, "hello there", 0.1))
            assert texts(await up_to(stream, FINAL)) == ["hello there"]
            await second.until(lambda: bool(second.starts))
            push(stream, audio(0.1, "good bye"))
            stream.end_input()
            assert list(filter(None, texts(await collect(stream)))) == ["good bye"]
        await adapter.aclose()


async def committed(scripted: ScriptedServer, reconnect: ReconnectPolicy) -> list[str]:
    """The turns of a session whose server behaves so, and what was final in it."""
    async with (
        scripted as server,
        listening(
            audio(0.1, SENTENCE, 0.1),
            stt=auricle.STT(url=server.url, reconnect=reconnect),
            vad=EnergyVAD(),
            turn_handling=VAD_TURNS,
            conn_options=SessionConnectOptions(stt_conn_options=PROMPT),
        ) as heard,
    ):
        await heard.until(lambda: bool(heard.turns))
        assert len(server.starts) == 2
        assert not heard.closed
        assert " ".join(filter(None, heard.finals)) == " ".join(heard.turns)
        assert [error.recoverable for error in heard.errors] == [True]
        return heard.turns


async def test_sessions_whose_connection_is_cut_at_many_moments_commit_every_word_once() -> None:
    servers = [level_server(faults=[Fault("abort", seconds=moment)]) for moment in MOMENTS]
    turns = await asyncio.gather(*(committed(server, QUICK) for server in servers))
    assert turns == [[SENTENCE]] * len(MOMENTS)


async def test_sessions_whose_client_gives_up_at_many_moments_commit_every_word_once() -> None:
    turns = await asyncio.gather(*(committed(failing(moment), NEVER) for moment in MOMENTS))
    assert turns == [[SENTENCE]] * len(MOMENTS)

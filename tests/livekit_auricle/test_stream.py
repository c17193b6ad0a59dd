"""The stream's contract with LiveKit, without a session: what goes in, what comes out, in which order."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from livekit import rtc
from livekit.agents import LanguageCode
from livekit.agents.types import TimedString
from livekit.plugins import auricle

from auricle.protocol import AudioReceived, Finalize
from livekit.plugins.auricle.models import SESSION_FLUSHES
from tests.support.adapters.livekit_stream import END, FINAL, INTERIM, START, collect, push, texts, transcribe, up_to
from tests.support.levels import audio, level_server
from tests.support.scripted_server import ScriptedServer


def seconds_heard(server: ScriptedServer) -> float:
    return sum(len(item.pcm) for item in server.received if isinstance(item, AudioReceived)) / 2 / 16_000


async def test_every_flush_is_answered_in_order() -> None:
    async with level_server() as server:
        events = await transcribe(
            auricle.STT(url=server.url), audio(0.1, "hello there"), audio(0.3), audio(0.1, "how are you")
        )
    assert texts(events) == ["hello there", "", "how are you"]
    assert all(len(event.alternatives) == 1 for event in events)
    assert [item for item in server.received if isinstance(item, Finalize)] == [
        Finalize(f"flush-{n}") for n in (1, 2, 3)
    ]


async def test_an_empty_final_follows_an_empty_interim() -> None:
    async with level_server(forgetful=True) as server:
        events = await transcribe(auricle.STT(url=server.url), audio(0.1, "hello there", 0.1))
    assert texts(events, INTERIM)[-2:] == ["hello there", ""]
    assert [event.type for event in events][-2:] == [INTERIM, FINAL]
    assert texts(events) == [""]


async def test_who_decides_the_turns_decides_what_the_server_is_asked_and_the_session_told() -> None:
    speech = audio(0.1, "hello there", 0.6)
    async with level_server() as server:
        alone = await transcribe(auricle.STT(url=server.url), speech)
        turns = await transcribe(auricle.STT(url=server.url, turn_detection="server", silence_ms=300), speech)
    assert [start.turn.mode for start in server.starts] == ["off" if SESSION_FLUSHES else "silence", "silence"]
    assert {event.type for event in alone} == {INTERIM, FINAL}
    kinds = [event.type for event in turns]
    assert kinds[0] is START
    assert [kind for kind in kinds if kind is not INTERIM][:3] == [START, FINAL, END]
    started, ended = (next(event for event in turns if event.type is kind) for kind in (START, END))
    assert started.speech_start_time is not None
    assert ended.speech_end_time is not None
    assert ended.speech_end_time - started.speech_start_time == pytest.approx(0.4, abs=0.01)


async def test_words_carry_times_on_the_sessions_clock() -> None:
    async with level_server() as server, auricle.STT(url=server.url).stream() as stream:
        stream.start_time_offset = 10.0
        push(stream, audio(0.5, "hello there"))
        stream.end_input()
        data = (await collect(stream))[-1].alternatives[0]
    assert data.words is not None
    assert all(isinstance(word, TimedString) for word in data.words)
    assert [str(word) for word in data.words] == ["hello", "there"]
    assert [word.start_time for word in data.words] == [pytest.approx(10.5), pytest.approx(10.7)]
    assert [word.end_time for word in data.words] == [pytest.approx(10.7), pytest.approx(10.9)]
    assert [word.start_time_offset for word in data.words] == [pytest.approx(10.0)] * 2
    assert [data.start_time, data.end_time] == pytest.approx([10.5, 10.9])
    assert data.confidence == pytest.approx(0.9)


async def test_a_language_code_is_concrete_or_empty() -> None:
    async with level_server(language="auto") as server:
        unknown = await transcribe(auricle.STT(url=server.url, language="auto"), audio("hello"))
        known = await transcribe(auricle.STT(url=server.url, language="de-DE"), audio("hello"))
    assert {event.alternatives[0].language for event in unknown} == {LanguageCode("")}
    assert {event.alternatives[0].language for event in known} == {LanguageCode("de-DE")}
    assert [start.language for start in server.starts] == ["auto", "de-DE"]


@pytest.mark.parametrize("rate", [8_000, 24_000, 48_000])
async def test_a_flush_gives_the_server_all_audio_whatever_its_rate(rate: int) -> None:
    speech = audio(0.1, "hello there", rate=rate)
    async with level_server() as server:
        events = await transcribe(auricle.STT(url=server.url), speech)
    assert texts(events) == ["hello there"]
    assert seconds_heard(server) == pytest.approx(speech.seconds, abs=0.001)


async def test_stereo_is_averaged() -> None:
    said = audio(0.1, "hello there")
    stereo = np.stack([said.samples, said.samples], axis=1)
    async with level_server() as server, auricle.STT(url=server.url).stream() as stream:
        stream.push_frame(rtc.AudioFrame(stereo.tobytes(), said.rate, 2, len(stereo)))
        stream.end_input()
        assert texts(await collect(stream)) == ["hello there"]
    assert seconds_heard(server) == pytest.approx(said.seconds)


async def test_usage_adds_up_to_the_audio_in_portions_of_five_seconds() -> None:
    portions: list[float] = []
    async with level_server() as server:
        stt = auricle.STT(url=server.url)
        stt.on("metrics_collected", lambda metrics: portions.append(metrics.audio_duration))
        await transcribe(stt, audio(12.0))
    assert portions == [pytest.approx(5.0, abs=0.02), pytest.approx(5.0, abs=0.02), pytest.approx(2.0, abs=0.04)]
    assert sum(portions) == pytest.approx(12.0)


async def test_what_was_used_up_to_a_sudden_end_is_reported() -> None:
    portions: list[float] = []
    async with level_server() as server:
        stt = auricle.STT(url=server.url)
        stt.on("metrics_collected", lambda metrics: portions.append(metrics.audio_duration))
        async with stt.stream() as stream:
            push(stream, audio("hello", 1.0))
            stream.flush()
            await up_to(stream, FINAL)
    assert portions == [pytest.approx(1.2)]


async def test_closing_frees_the_servers_stream_at_once() -> None:
    async with level_server() as server:
        stt = auricle.STT(url=server.url)
        stream = stt.stream()
        push(stream, audio(0.1, "hello", 0.1))
        first = await anext(stream)
        async with asyncio.timeout(1):
            await stt.aclose()
            await server.until(lambda: server.closed_sockets > 0)
    assert first.alternatives[0].text == "hello"
    with pytest.raises(RuntimeError, match="ended"):
        push(stream, audio(0.1))

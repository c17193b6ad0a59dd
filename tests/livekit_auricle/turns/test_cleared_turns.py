"""`clear_user_turn`: what was said is dropped, and the stream with its slot goes to the recognition that follows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest
from livekit.agents import APIConnectOptions
from livekit.plugins import auricle

from auricle.protocol import Finalize, Update
from auricle_server.config import ServerConfig
from tests.support import tones
from tests.support.adapters.livekit_session import EnergyVAD, Heard, listening
from tests.support.adapters.livekit_stream import FINAL, push, texts, up_to
from tests.support.levels import Audio, audio, level_server
from tests.support.scripted.script import Refusal
from tests.support.servers.server_thread import serving_in_a_thread

WAYS: dict[str, dict[str, Any]] = {
    "session": {"vad": EnergyVAD(), "turn_handling": {"turn_detection": "vad", "endpointing": {"min_delay": 0.25}}},
    "server": {"vad": None, "turn_handling": {"turn_detection": "stt", "endpointing": {"min_delay": 0.0}}},
}


@asynccontextmanager
async def clearing(url: str, way: str, speech: Audio, shown: str) -> AsyncIterator[Heard]:
    """A session that clears the turn as soon as it shows the text."""
    stt = auricle.STT(url=url, turn_detection=way)  # type: ignore[arg-type]  # a key of WAYS
    async with listening(speech, stt=stt, **WAYS[way]) as heard:
        await heard.until(lambda: shown in heard.interims)
        heard.session.clear_user_turn()
        yield heard


@pytest.mark.parametrize("way", WAYS)
async def test_a_full_server_sees_no_second_stream_and_the_words_after_are_heard(way: str) -> None:
    speech = audio(0.1, "hello there how are you thanks", 0.6, "good bye", 0.2)
    async with level_server() as server:
        async with clearing(server.url, way, speech, "hello") as heard:
            server.refusals = [Refusal(503)] * 99  # full from here on
            await heard.until(lambda: heard.turns[-1:] == ["good bye"])
            assert heard.errors == []
        assert (len(server.sessions), server.refused) == (1, 0)
    # How much of the first turn is left depends on when this process came to clear it.
    assert "hello there how are you thanks".endswith(" ".join(heard.turns[:-1]))
    assert "hello" not in heard.turns[0]
    assert heard.states[-2:] == ["speaking", "listening"]


async def test_a_real_server_with_one_slot_serves_a_session_that_clears_again_and_again() -> None:
    with serving_in_a_thread(ServerConfig(max_load=0, slots=1), model=str(tones.CHECKPOINT)) as url:
        pcm, text = tones.utterance(seed=3, words=4, trailing=1.0)
        silence = np.zeros(2 * tones.SAMPLE_RATE, np.int16)
        speech = Audio(np.concatenate([silence, pcm]), tones.SAMPLE_RATE, ())
        async with listening(speech, stt=auricle.STT(url=url), **WAYS["session"]) as heard:
            for _ in range(3):
                await asyncio.sleep(0.05)
                heard.session.clear_user_turn()
                heard.session.clear_user_turn()
            await heard.until(lambda: " ".join(heard.turns) == text)
            assert heard.errors == []


async def test_options_that_differ_are_sent_before_the_audio() -> None:
    async with level_server() as server:
        stt = auricle.STT(url=server.url)
        first = stt.stream()
        push(first, audio("hello", 0.1))
        first.flush()
        assert texts(await up_to(first, FINAL)) == ["hello"]
        second = stt.stream(language="de-DE")
        await first.aclose()
        push(second, audio("there", 0.1))
        second.flush()
        events = await up_to(second, FINAL)
        await second.aclose()
    (session,) = server.sessions
    told = [item for item in session.received if isinstance(item, Update | Finalize)]
    assert told == [Finalize("flush-1"), Finalize("cleared-1"), Update(language="de-DE"), Finalize("flush-1-1")]
    assert texts(events) == ["there"]
    # On the clock of the new recognition, as if it had a stream of its own.
    assert events[-1].alternatives[0].start_time == pytest.approx(0.0, abs=0.1)


async def test_other_participants_keep_their_streams_and_get_slots_of_their_own() -> None:
    async with level_server() as server:
        stt = auricle.STT(url=server.url)
        async with stt.stream() as first, stt.stream() as second:
            for stream in (first, second):
                push(stream, audio("hello", 0.1))
                stream.flush()
                assert texts(await up_to(stream, FINAL)) == ["hello"]
        assert len(server.sessions) == 2
        await server.until_deserted()


async def test_a_stream_that_cannot_follow_is_closed_before_the_next_one_connects() -> None:
    async with level_server() as server:
        stt = auricle.STT(url=server.url)
        first = stt.stream()
        push(first, audio("hello", 0.1))
        first.flush()
        await up_to(first, FINAL)
        stt._options = auricle.STTOptions(sample_rate=8_000)
        second = stt.stream(conn_options=APIConnectOptions(max_retry=0))
        await first.aclose()
        push(second, audio("there", 0.1, rate=8_000))
        second.flush()
        assert texts(await up_to(second, FINAL)) == ["there"]
        await second.aclose()
    assert [session.start.sample_rate for session in server.sessions] == [16_000, 8_000]

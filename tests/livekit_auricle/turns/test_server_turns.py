"""`turn_detection="server"`: Auricle detects the turn's end, and the session follows."""

from __future__ import annotations

from typing import Any

import pytest
from livekit.plugins import auricle

from tests.support.adapters.livekit_session import EnergyVAD, listening, needs_flush
from tests.support.levels import audio, level_server

CHUNK = 0.08


def stt_turns(min_delay: float) -> dict[str, Any]:
    return {"turn_detection": "stt", "endpointing": {"min_delay": min_delay}}


async def test_turns_are_committed_on_the_servers_clock() -> None:
    speech = audio(0.1, "hello there", 0.6, "how are", 0.1)
    async with (
        level_server() as server,
        listening(
            speech,
            stt=auricle.STT(url=server.url, turn_detection="server", silence_ms=400),
            vad=None,
            turn_handling=stt_turns(0.0),
        ) as heard,
    ):
        await heard.until(lambda: len(heard.turns) == 2)
    assert heard.turns == heard.finals == ["hello there", "how are"]
    for committed, end, metrics in zip(heard.turn_times, speech.speech_ends, heard.metrics, strict=True):
        assert 0.4 <= committed - heard.audio.wall(end) <= 0.4 + CHUNK + heard.allowance
        assert 0.4 <= metrics["end_of_turn_delay"] <= 0.4 + CHUNK + heard.allowance
        assert metrics["transcription_delay"] <= metrics["end_of_turn_delay"]
    assert heard.states == ["speaking", "listening"] * 2
    assert server.starts[0].turn.silence_ms == 400


async def test_the_sessions_delay_counts_from_the_end_of_speech_not_from_the_servers_decision() -> None:
    speech = audio(0.2, "hello there", 0.2)
    async with (
        level_server() as server,
        listening(
            speech,
            stt=auricle.STT(url=server.url, turn_detection="server", silence_ms=400),
            vad=None,
            turn_handling=stt_turns(0.6),
        ) as heard,
    ):
        await heard.until(lambda: bool(heard.turns))
    end = heard.audio.wall(speech.speech_ends[0])
    assert heard.turn_times[0] - end < 0.6 + heard.allowance  # a bare END_OF_SPEECH makes it 1.0 s
    metrics = heard.metrics[0]
    assert metrics["stopped_speaking_at"] == pytest.approx(end, abs=heard.allowance)
    assert metrics["started_speaking_at"] == pytest.approx(heard.audio.wall(0.2), abs=heard.allowance)


async def test_a_turn_of_two_segments_is_committed_as_one() -> None:
    async with level_server() as server:
        stt = auricle.STT(url=server.url, turn_detection="server", silence_ms=400)
        speech = audio(0.1, "hello there", 0.24, "how are", 0.1)
        async with listening(speech, stt=stt, vad=None, turn_handling=stt_turns(0.0)) as heard:
            await heard.until(lambda: heard.interims[-1:] == ["hello there"])
            (stream,) = stt._streams
            stream.flush()
            await heard.until(lambda: bool(heard.turns))
    assert heard.finals == ["hello there", "how are"]
    assert heard.turns == ["hello there how are"]
    assert heard.states == ["speaking", "listening"]


@needs_flush
async def test_a_manual_commit_flushes_in_this_mode_too() -> None:
    async with (
        level_server() as server,
        listening(
            audio(0.1, "hello there"),
            stt=auricle.STT(url=server.url, turn_detection="server"),
            vad=EnergyVAD(),
            turn_handling=stt_turns(0.0),
        ) as heard,
    ):
        await heard.until(lambda: heard.interims[-1:] == ["hello"])
        assert (await heard.session.commit_user_turn()).startswith("hello")
        await heard.until(lambda: bool(heard.turns))
    assert heard.turns[0].startswith("hello")

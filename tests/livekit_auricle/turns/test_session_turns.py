"""`turn_detection="session"`: LiveKit finds the pause and asks for the final."""

from __future__ import annotations

import time
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from livekit.agents.metrics import STTModelUsage
from livekit.plugins import auricle

from auricle.protocol import Finalize
from livekit.plugins.auricle import models
from livekit.plugins.auricle import stt as stt_module
from tests.support.adapters.livekit_session import (
    FRAME_SECONDS,
    EnergyVAD,
    Heard,
    WatchedSTT,
    listening,
    needs_flush,
)
from tests.support.levels import NOISE, Audio, audio, level_server
from tests.support.scripted_server import ScriptedServer

VAD_SILENCE = 0.2
MIN_DELAY = 0.3
VAD_TURNS: dict[str, Any] = {"turn_detection": "vad", "endpointing": {"min_delay": MIN_DELAY}}


def deciding(
    speech: Audio,
    server: ScriptedServer,
    *,
    frame_seconds: float = FRAME_SECONDS,
    turns: dict[str, Any] = VAD_TURNS,
) -> AbstractAsyncContextManager[Heard]:
    """A session that hears `speech` and finds the pauses itself."""
    stt = auricle.STT(url=server.url)
    return listening(speech, frame_seconds, stt=stt, vad=EnergyVAD(VAD_SILENCE), turn_handling=turns)


@needs_flush
async def test_a_pause_asks_for_the_final_and_the_turn_is_committed_with_it() -> None:
    speech = audio(0.1, "hello there", 0.5, "how are", 0.1)
    async with level_server() as server, deciding(speech, server) as heard:
        await heard.until(lambda: len(heard.turns) == 2)
    assert heard.turns == heard.finals == ["hello there", "how are"]
    assert "hello" in heard.interims
    for committed, end in zip(heard.turn_times, speech.speech_ends, strict=True):
        assert MIN_DELAY - 0.05 <= committed - heard.audio.wall(end) <= MIN_DELAY + heard.allowance
    assert all(metrics["transcription_delay"] < VAD_SILENCE + heard.allowance for metrics in heard.metrics)
    assert not heard.errors


async def test_a_pause_shorter_than_the_sessions_delay_gives_two_finals_and_one_turn() -> None:
    speech = audio(0.1, "hello there", 0.4, "how are", 0.1)
    patient = {"turn_detection": "vad", "endpointing": {"min_delay": 0.6}}
    async with level_server() as server, deciding(speech, server, turns=patient) as heard:
        await heard.until(lambda: bool(heard.turns))
    assert heard.finals == ["hello there", "how are"]
    assert heard.turns == ["hello there how are"]
    (metrics,) = heard.metrics
    assert metrics["transcription_delay"] < VAD_SILENCE + heard.allowance
    assert 0.6 - 0.05 <= metrics["end_of_turn_delay"] <= 0.6 + heard.allowance


@needs_flush
async def test_no_chunk_boundary_brings_a_final() -> None:
    """It would come later than the session's delay, and half a sentence would be a turn."""
    speech = audio(0.1, "hello there", 0.5, "how are", 0.1)
    async with level_server() as server, deciding(speech, server, turns={"turn_detection": "manual"}) as heard:
        await heard.until(lambda: heard.interims[-1:] == ["hello there how are"])
        assert heard.finals == []
        assert await heard.session.commit_user_turn() == "hello there how are"
        await heard.until(lambda: bool(heard.turns))
        assert heard.turns == heard.finals == ["hello there how are"]


@needs_flush
async def test_a_flush_is_answered_at_once() -> None:
    speech = audio(0.1, "hello there", 0.4, NOISE, 0.4, "how are", 0.1)
    async with level_server() as server:
        stt = WatchedSTT(url=server.url)
        async with listening(speech, stt=stt, vad=EnergyVAD(VAD_SILENCE), turn_handling=VAD_TURNS) as heard:
            await heard.until(lambda: len(heard.turns) == 2)
            assert len(stt.flushed) == 3
    assert len(stt.answered) == len(stt.flushed)
    assert max(stt.flush_seconds) < heard.allowance


async def test_a_noise_gets_an_empty_final_and_the_session_goes_on_listening() -> None:
    speech = audio(0.1, NOISE, 0.4, "hello", 0.1)
    async with level_server() as server, deciding(speech, server) as heard:
        await heard.until(lambda: bool(heard.turns))
    assert heard.turns == ["hello"]
    assert "" not in heard.interims


@needs_flush  # before, it plays silence when it closes
async def test_the_sessions_usage_is_complete_with_each_final_and_nearly_at_its_close() -> None:
    speech = audio(0.1, "hello there", 0.6)
    async with level_server() as server:
        async with deciding(speech, server) as heard:
            await heard.until(lambda: bool(heard.turns))
            at_final = heard.session.usage.model_usage
            await heard.audio.played.wait()
        [used] = [each for each in heard.session.usage.model_usage if isinstance(each, STTModelUsage)]
    [then] = [each for each in at_final if isinstance(each, STTModelUsage)]
    assert then.audio_duration >= speech.speech_ends[0]
    sent = server.audio_bytes / 2 / 16_000
    assert sent - 1.3 - heard.audio.lateness <= used.audio_duration <= sent + 0.01


async def test_a_final_that_comes_late_still_holds_the_whole_turn() -> None:
    speech = audio(0.1, "how are", 0.1)
    async with level_server(final_delay=0.3) as server, deciding(speech, server) as heard:
        await heard.until(lambda: bool(heard.turns))
    assert heard.turns == ["how are"]
    (committed,) = heard.turn_times
    assert committed - heard.audio.wall(speech.speech_ends[0]) < VAD_SILENCE + 0.3 + heard.allowance


async def test_a_thinking_pause_shorter_than_the_vads_does_not_split_the_turn() -> None:
    speech = audio(0.1, "how are", 0.14, "you", 0.2)
    async with level_server() as server, deciding(speech, server) as heard:
        await heard.until(lambda: bool(heard.turns))
    assert heard.finals == heard.turns == ["how are you"]


async def test_closing_in_mid_sentence_keeps_the_words_and_does_not_wait_for_them() -> None:
    speech = audio(0.1, "hello there how are you")
    async with level_server() as server, deciding(speech, server) as heard:
        await heard.until(lambda: heard.interims[-1:] == ["hello there"])
        began = time.perf_counter()
        await heard.session.aclose()
        took = time.perf_counter() - began
    assert heard.turns[0].startswith("hello there")
    assert took < 1.0  # an unanswered flush makes it 2 s


@needs_flush
async def test_a_committed_turn_does_not_repeat_an_interim_that_the_final_took_back() -> None:
    async with (
        level_server(forgetful=True) as server,
        deciding(audio(0.1, "hello there"), server, turns={"turn_detection": "manual"}) as heard,
    ):
        await heard.until(lambda: heard.interims[-1:] == ["hello"])
        assert await heard.session.commit_user_turn() == ""


async def test_room_audio_at_24_khz_is_recognised_as_well() -> None:
    speech = audio(0.1, "hello there", 0.2, rate=24_000)
    async with level_server() as server, deciding(speech, server, frame_seconds=0.05) as heard:
        await heard.until(lambda: bool(heard.turns))
    assert heard.turns == ["hello there"]
    assert server.starts[0].sample_rate == 16_000


@pytest.fixture
def unflushed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with LiveKit before 1.8.9."""
    monkeypatch.setattr(models, "SESSION_FLUSHES", False)
    monkeypatch.setattr(stt_module, "_NEWER_CAPABILITIES", stt_module._NEWER_CAPABILITIES - {"manual_flush"})


async def test_where_sessions_do_not_flush_the_server_makes_finals_at_pauses(unflushed: None) -> None:
    speech = audio(0.1, "hello there", 0.9, "how are", 0.2)
    async with level_server() as server:
        stt = auricle.STT(url=server.url)
        assert not getattr(stt.capabilities, "manual_flush", False)
        async with listening(speech, stt=stt, vad=EnergyVAD(VAD_SILENCE), turn_handling=VAD_TURNS) as heard:
            await heard.until(lambda: len(heard.turns) == 2)
            assert heard.errors == []
    assert heard.turns == heard.finals == ["hello there", "how are"]
    assert server.starts[0].turn.mode == "silence"
    assert not any(isinstance(item, Finalize) for item in server.received[:-1])

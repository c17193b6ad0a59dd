"""`turn_mode="semantic"`: what the server is asked, and how the session handles ends after any silence."""

from __future__ import annotations

from typing import Any

import pytest
from livekit.agents.stt import SpeechEvent, SpeechEventType
from livekit.plugins import auricle

from auricle.protocol import TurnSettings, Update
from tests.support.adapters.livekit_session import frames, listening
from tests.support.adapters.livekit_stream import END, FINAL, INTERIM, START, collect, push, texts, transcribe
from tests.support.levels import audio, level_server

PREFLIGHT = SpeechEventType.PREFLIGHT_TRANSCRIPT
STT_TURNS: dict[str, Any] = {"turn_detection": "stt", "endpointing": {"min_delay": 0.0}}
SEMANTIC: dict[str, Any] = {
    "turn_detection": "server",
    "turn_mode": "semantic",
    "min_silence_ms": 160,
    "max_silence_ms": 800,
}


async def test_the_stream_starts_with_its_settings() -> None:
    async with level_server() as server:
        stt = auricle.STT(url=server.url, **SEMANTIC, end_threshold=0.7, eager_threshold=0.4, refine="auto")
        await transcribe(stt, audio(0.1))
    (start,) = server.starts
    assert start.turn == TurnSettings(
        "semantic", end_threshold=0.7, eager_threshold=0.4, min_silence_ms=160, max_silence_ms=800
    )
    assert start.refine == "auto"


async def test_they_change_in_band_and_hold_for_later_streams() -> None:
    async with level_server() as server:
        stt = auricle.STT(url=server.url, turn_detection="server", silence_ms=300)
        async with stt.stream() as stream:
            push(stream, audio(0.2, "hello"))
            stt.update_options(turn_mode="semantic", end_threshold=0.8, max_silence_ms=900, refine="on")
            push(stream, audio(0.5, "there", 0.3))
            stt.update_options(eager_threshold=0.3)
            stt.update_options(turn_mode="silence")
            stream.end_input()
            events = await collect(stream)
        await transcribe(stt, audio(0.1))
    turn = TurnSettings("semantic", 300, end_threshold=0.8, max_silence_ms=900)
    later = TurnSettings("semantic", 300, end_threshold=0.8, eager_threshold=0.3, max_silence_ms=900)
    back = TurnSettings("silence", 300, end_threshold=0.8, eager_threshold=0.3, max_silence_ms=900)
    updates = [item for item in server.received if isinstance(item, Update)]
    assert updates == [Update(turn=turn, refine="on"), Update(turn=later), Update(turn=back)]
    assert len(server.starts) == 2
    assert (server.starts[1].turn, server.starts[1].refine) == (back, "on")
    assert texts(events)[0] == "hello there"  # the pause would have ended the turn before


async def test_the_threshold_of_the_mode_gives_preflights() -> None:
    async with level_server() as server:
        stt = auricle.STT(url=server.url, **{**SEMANTIC, "eager_threshold": 0.3})
        events = await transcribe(stt, audio(0.1, "hello", 1.0))
    kinds = [event.type for event in events]
    assert kinds[0] is START
    assert kinds[kinds.index(PREFLIGHT) :][:3] == [PREFLIGHT, FINAL, END]
    assert set(kinds[1 : kinds.index(PREFLIGHT)]) == {INTERIM}


async def test_the_threshold_of_the_other_mode_gives_none() -> None:
    async with level_server() as server:
        stt = auricle.STT(url=server.url, **SEMANTIC, eager_silence_ms=160)
        events = await transcribe(stt, audio(0.1, "hello", 1.0))
    assert not texts(events, PREFLIGHT)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"turn_mode": "vad"}, "turn_mode: expected"),
        ({"turn_mode": "off"}, "turn_mode: expected"),
        ({"end_threshold": 1.5}, "end_threshold"),
        ({"end_threshold": float("nan")}, "end_threshold"),
        ({"eager_threshold": 0.75}, "eager_threshold"),
        ({"min_silence_ms": 10}, "min_silence_ms"),
        ({"min_silence_ms": 3_000}, "min_silence_ms"),
        ({"max_silence_ms": 60_000}, "max_silence_ms"),
        ({"refine": "always"}, "refine: expected"),
    ],
)
def test_what_is_out_of_range_is_refused_where_it_is_set(wrong: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        auricle.STT(turn_detection="server", **wrong)
    stt = auricle.STT(turn_detection="server")
    with pytest.raises(ValueError, match=why):
        stt.update_options(**wrong)
    assert stt.options == auricle.STT(turn_detection="server").options


@pytest.mark.parametrize("wrong", [{"turn_mode": "semantic"}, {"eager_threshold": 0.3}])
def test_the_servers_turns_are_needed(wrong: dict[str, Any]) -> None:
    (name,) = wrong
    with pytest.raises(ValueError, match=f'{name}: needs turn_detection="server"'):
        auricle.STT(**wrong)


async def test_recognize_asks_for_no_turns_but_for_the_second_pass() -> None:
    async with level_server() as server:
        stt = auricle.STT(url=server.url, **SEMANTIC, eager_threshold=0.3, refine="on")
        event = await stt.recognize(frames(audio("hello", 0.1)))
    assert server.starts[0].turn.mode == "off"
    assert server.starts[0].refine == "on"
    assert event.alternatives[0].metadata == {"refined": True}


async def test_finals_say_whether_they_are_refined() -> None:
    async with level_server() as server:
        stt = auricle.STT(url=server.url, **SEMANTIC)
        async with stt.stream() as stream:
            push(stream, audio(0.1, "hello there", 0.4))
            events: list[SpeechEvent] = []
            while not texts(events):
                events.append(await anext(stream))
            stt.update_options(refine="on")
            push(stream, audio("how are", 0.1))
            stream.end_input()
            events += await collect(stream)
    finals = [event.alternatives[0] for event in events if event.type is FINAL]
    assert [(final.text, final.metadata) for final in finals if final.text] == [
        ("hello there", {"refined": False}),
        ("how are", {"refined": True}),
    ]
    shown = [event.alternatives[0] for event in events if event.type is INTERIM]
    assert all(interim.metadata is None for interim in shown)


async def test_a_session_takes_ends_as_they_come() -> None:
    """After a short silence and after a long one; no pause of the session's own comes on top."""
    speech = audio(0.1, "hello", 0.6, "there", 0.6, "how are", 0.1)
    async with (
        level_server() as server,
        listening(speech, stt=auricle.STT(url=server.url, **SEMANTIC), vad=None, turn_handling=STT_TURNS) as heard,
    ):
        await heard.until(lambda: len(heard.turns) == 2)
    assert heard.turns == ["hello there", "how are"]
    if heard.audio.lateness > 0.1:
        pytest.skip("the words are right; this machine was too busy to judge the timing")
    for silence, metrics in zip((0.16, 0.8), heard.metrics, strict=True):
        assert silence <= metrics["end_of_turn_delay"] <= silence + 0.08 + heard.allowance

"""A stream's methods against a real server on the loopback, while all goes well."""

from __future__ import annotations

from typing import Any, TypeVar

import pytest

import auricle
from auricle import (
    Error,
    Final,
    Interim,
    ProtocolError,
    SpeechStarted,
    Start,
    Stream,
    StreamEvent,
    TextFormat,
    TurnEnd,
    TurnSettings,
)
from auricle.protocol import AudioReceived, End, Update
from tests.auricle.listening import everything
from tests.support.bursts import LIMITS, START, burst_server, silence, speech, word

E = TypeVar("E", bound=StreamEvent)


async def the_next(stream: Stream, kind: type[E]) -> E:
    async for event in stream:
        if isinstance(event, kind):
            return event
    raise AssertionError(f"the stream ended without a {kind.__name__}")


async def test_speech_becomes_events() -> None:
    async with burst_server() as server, auricle.connect(server.url, start=START) as stream:
        assert stream.ready.model == "bursts"
        await stream.send(speech([1, 2, 3]) + silence(0.7))
        await stream.send(speech([4]))
        await stream.end()
        events = await everything(stream)
    spoken = [event for event in events if not isinstance(event, Interim)]
    assert [type(event) for event in spoken] == [SpeechStarted, Final, TurnEnd] * 2
    assert [event.text for event in spoken if isinstance(event, Final)] == ["w1 w2 w3", "w4"]
    assert stream.audio_seconds == pytest.approx(1.02)


async def test_interims_come_while_one_speaks() -> None:
    async with burst_server() as server, auricle.connect(server.url, start=START) as stream:
        await stream.send(speech([1, 2]))
        first = await the_next(stream, Interim)
        await stream.send(speech([3, 4]))
        second = await the_next(stream, Interim)
    assert second.text.startswith(first.text)


async def test_a_finalize_is_answered_with_its_id() -> None:
    start = Start(sample_rate=8_000, turn=TurnSettings("off"))
    async with burst_server() as server, auricle.connect(server.url, start=start) as stream:
        await stream.send(word(1))
        assert await stream.finalize("mine") == "mine"
        await stream.send(word(2))
        made_up = await stream.finalize()
        empty = await stream.finalize()
        await stream.end()
        finals = [event for event in await everything(stream) if isinstance(event, Final)]
    assert [(final.finalize_id, final.text) for final in finals] == [("mine", "w1"), (made_up, "w2"), (empty, "")]


async def test_ids_made_up_are_fresh() -> None:
    async with burst_server() as server, auricle.connect(server.url, start=START) as stream:
        assert await stream.finalize("f1") == "f1"
        assert await stream.finalize() == "f2"
        with pytest.raises(ProtocolError, match="has not been answered"):
            await stream.finalize("f1")
        for bad in ("", "x" * 129):
            with pytest.raises(ProtocolError, match="invalid_field"):
                await stream.finalize(bad)


async def test_settings_change_in_band() -> None:
    turn = TurnSettings("silence", 200)
    async with burst_server() as server, auricle.connect(server.url, start=START) as stream:
        await stream.send(word(1))
        await stream.update(latency_ms=160, language="de-DE", turn=turn, keyterms=["auricle"], refine="on")
        await stream.update(text_format=TextFormat("smart"))
        await stream.send(silence(0.3))
        await the_next(stream, TurnEnd)
        said = [each for each in server.sessions[0].received if not isinstance(each, AudioReceived)]
    changed = [Update(160), Update(language="de-DE"), Update(turn=turn, refine="on"), Update(keyterms=("auricle",))]
    assert said == [START, *changed, Update(text_format=TextFormat("smart"))]


async def test_each_setting_is_followed_or_refused_by_itself() -> None:
    """A server takes an update whole or not at all, and a replay must ask for just what it has taken."""
    async with (
        burst_server() as server,
        auricle.connect(server.url, start=START) as stream,
    ):
        await stream.update(latency_ms=160, language="xx", keyterms=["auricle"])
        await the_next(stream, Error)
        said = [each for each in server.sessions[0].received if not isinstance(each, AudioReceived)]
    assert said == [START, Update(latency_ms=160), Update(language="xx"), Update(keyterms=("auricle",))]


@pytest.mark.parametrize(
    "settings",
    [
        {"keyterms": ["\ud83d"]},
        {"keyterms": "Auricle"},
        {"keyterms": [7]},
        {"language": "\ud83d"},
        {"latency_ms": 80.0},
    ],
)
async def test_what_cannot_be_said_does_not_leave_the_client(settings: dict[str, Any]) -> None:
    async with burst_server() as server, auricle.connect(server.url, start=START) as stream:
        with pytest.raises(ProtocolError, match="invalid_field"):
            await stream.update(**settings)
        with pytest.raises(ProtocolError, match="invalid_field"):
            await stream.finalize("\ud83d")
        await stream.send(word(1))
        await stream.end()
        assert [event.text for event in await everything(stream) if isinstance(event, Final)] == ["w1"]
    assert len(server.starts) == 1


async def test_an_update_that_a_server_cannot_follow_is_an_event() -> None:
    async with (
        burst_server() as server,
        auricle.connect(server.url, start=START) as stream,
    ):
        await stream.update(language="xx")
        error = await the_next(stream, Error)
        await stream.send(word(1))
        await stream.end()
        assert [event.text for event in await everything(stream) if isinstance(event, Final)] == ["w1"]
    assert (error.code, error.fatal) == ("unsupported_language", False)


async def test_audio_is_sent_in_packets_that_fit_the_server() -> None:
    async with burst_server() as server, auricle.connect(server.url, start=START) as stream:
        for _ in range(10):
            await stream.send(silence(0.01))
        await stream.send(silence(3.0))
        await stream.end()
        await everything(stream)
        sizes = [len(said.pcm) for said in server.sessions[0].received if isinstance(said, AudioReceived)]
    assert sum(sizes) == 16_000 * 3.1
    assert max(sizes) <= LIMITS.message_bytes
    assert min(sizes[:-1]) >= 320


async def test_half_a_sample_does_not_leave_the_client() -> None:
    async with burst_server() as server, auricle.connect(server.url, start=START) as stream:
        with pytest.raises(ProtocolError, match="bad_audio"):
            await stream.send(b"\0")
        await stream.send(word(1))
        await stream.end()
        assert [event.text for event in await everything(stream) if isinstance(event, Final)] == ["w1"]


async def test_after_the_end_nothing_is_said() -> None:
    async with burst_server() as server, auricle.connect(server.url, start=START) as stream:
        await stream.end()
        await stream.end()
        for late in (stream.send(word(1)), stream.finalize(), stream.update(latency_ms=80)):
            with pytest.raises(ProtocolError, match="after_end"):
                await late
        assert await everything(stream) == []
        assert [type(said) for said in server.sessions[0].received] == [Start, End]

"""What a caller may do while there is no connection, and what is made of it afterwards."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

import auricle
from auricle import (
    ConnectionFailed,
    Final,
    NoWords,
    ProtocolError,
    Reconnected,
    Reconnecting,
    ReconnectPolicy,
    SpeechStarted,
    Start,
    Stream,
    StreamEvent,
    TurnEnd,
    TurnSettings,
)
from auricle.protocol import AudioReceived
from tests.auricle.listening import FAST, everything, failure_of, until, words_of
from tests.support.bursts import RATE, START, burst_server, silence, speech, word
from tests.support.scripted.script import Fault
from tests.support.scripted_server import ScriptedServer, client_tasks
from tests.support.server_events import final, turn_end


async def in_an_outage(
    then: Callable[[Stream], Awaitable[None]], policy: ReconnectPolicy = FAST
) -> tuple[list[StreamEvent], ScriptedServer]:
    """Says w1 and w2, loses the server, does what the test wishes, and lets the server come back."""
    async with burst_server() as server:
        server.faults.append(Fault("abort", after=3))
        async with auricle.connect(server.url, start=START, reconnect=policy, packet_ms=1) as stream:
            await server.stop_listening()
            events: list[StreamEvent] = []
            await stream.send(word(1))
            await server.until(lambda: server.audio_bytes == len(word(1)))
            await stream.send(word(2))
            await until(stream, Reconnecting, events)
            await then(stream)
            await server.listen()
            events += [event async for event in stream]
        await server.until_deserted()
    return events, server


async def test_a_stream_may_end_in_an_outage() -> None:
    async def then(stream: Stream) -> None:
        await stream.send(word(3))
        await stream.end()

    events, _ = await in_an_outage(then)
    assert words_of(events) == ["w1", "w2", "w3"]


async def test_a_finalize_in_an_outage_is_answered() -> None:
    async def then(stream: Stream) -> None:
        await stream.finalize("a")
        await stream.send(word(3))
        await stream.finalize("b")
        await stream.end()

    events, _ = await in_an_outage(then)
    finals = [event for event in events if isinstance(event, Final) and event.finalize_id]
    assert [(final.finalize_id, final.text) for final in finals] == [("a", "w1 w2"), ("b", "w3")]


async def test_settings_changed_in_an_outage_hold_after_it() -> None:
    async def then(stream: Stream) -> None:
        await stream.update(turn=TurnSettings("off"))
        await stream.send(word(3) + silence(1.0))
        await stream.end()

    events, server = await in_an_outage(then)
    assert words_of(events) == ["w1", "w2", "w3"]
    assert not any(isinstance(event, TurnEnd) for event in events)
    assert server.starts == [START, START]


async def test_settled_settings_are_in_the_new_start() -> None:
    async with burst_server() as server, auricle.connect(server.url, start=START, reconnect=FAST) as stream:
        turn = TurnSettings("semantic", max_silence_ms=900)
        await stream.update(latency_ms=160, turn=turn, refine="on")
        await stream.send(word(1))
        await stream.finalize()
        await until(stream, Final, [])
        server.cut()
        await stream.end()
        assert words_of([event async for event in stream]) == []
        assert stream.ready.latency_ms == 160
        assert server.starts == [START, Start(sample_rate=RATE, latency_ms=160, turn=turn, refine="on")]


async def test_what_no_memory_holds_is_told() -> None:
    async def then(stream: Stream) -> None:
        await stream.send(silence(1.0))
        await stream.finalize("a")
        await stream.send(word(3))
        await stream.end()

    policy = ReconnectPolicy(attempts=500, first_delay=0.001, max_delay=0.01, replay_seconds=0.5)
    events, _ = await in_an_outage(then, policy)
    (back,) = [event for event in events if isinstance(event, Reconnected)]
    assert back.replayed_seconds == pytest.approx(0.5)
    assert back.lost_seconds == pytest.approx(2 * 0.08 + 1.0 + 0.08 - 0.5)
    assert words_of(events) == ["w3"]
    assert next(event.finalize_id for event in events if isinstance(event, Final)) == "a"


@pytest.mark.parametrize("moment", ["waiting", "dialling"])
async def test_closing_in_an_outage_leaves_nothing(moment: str) -> None:
    policy = ReconnectPolicy(attempts=9, first_delay=30.0 if moment == "waiting" else 0.0)
    async with burst_server() as server:
        server.faults.append(Fault("abort", after=2))
        tasks = client_tasks()
        async with auricle.connect(server.url, start=START, reconnect=policy) as stream:
            server.answering.clear()
            await stream.send(word(1))
            await until(stream, Reconnecting, [])
            if moment == "dialling":
                await server.until(lambda: len(server.starts) == 2)
        server.answering.set()
        await server.until_deserted()
        assert client_tasks() == tasks


async def test_a_live_speaker_is_heard_through_an_outage_in_time() -> None:
    """Bytes heard by the second server are those since the last settled point, no more."""
    async with burst_server() as server, auricle.connect(server.url, start=START, reconnect=FAST) as stream:
        await stream.send(speech([1, 2]))
        await stream.finalize()
        await until(stream, Final, [])
        server.cut()
        await stream.send(speech([3]))
        await stream.end()
        events = [event async for event in stream]
        heard = sum(len(said.pcm) for said in server.sessions[1].received if isinstance(said, AudioReceived))
    assert words_of(events) == ["w3"]
    assert heard == len(speech([3]))
    (back,) = [event for event in events if isinstance(event, Reconnected)]
    assert back.replayed_seconds == pytest.approx(0.08)
    assert back.lost_seconds == 0.0


async def test_a_stream_that_has_failed_can_be_gone_on_with() -> None:
    async with burst_server() as server:
        server.faults.append(Fault("abort", after=2))
        policy = ReconnectPolicy(attempts=0)
        async with auricle.connect(server.url, start=START, reconnect=policy) as stream:
            with pytest.raises(ProtocolError, match="only a stream that has failed can be reopened"):
                await stream.reopen()
            await stream.send(speech([1, 2]))
            error, events = await failure_of(stream)
            assert isinstance(error, ConnectionFailed)
            await stream.reopen()
            await stream.send(speech([3]))
            await stream.end()
            events += await everything(stream)
    assert words_of(events) == ["w1", "w2", "w3"]
    assert [type(event) for event in events].count(Reconnected) == 1


async def test_key_terms_that_the_next_server_lacks_do_not_end_the_stream() -> None:
    async with burst_server() as first, burst_server() as second:
        second.takes_keyterms = False
        start = replace(START, keyterms=("Auricle",))
        async with auricle.connect([first.url, second.url], start=start, reconnect=FAST) as stream:
            await stream.send(speech([1, 2]))
            await first.until(lambda: first.audio_bytes == len(speech([1, 2])))
            first.cut()
            await first.stop_listening()
            await stream.end()
            assert words_of(await everything(stream)) == ["w1", "w2"]
        assert [start.keyterms for start in second.starts] == [("Auricle",), ()]


async def test_a_dictation_over_two_servers_is_collected_once_and_a_laugh_reported_once() -> None:
    start, pcm = Start(turn=TurnSettings(expect="digits")), bytes(2 * 16_000 * 3)
    async with ScriptedServer() as server, auricle.connect(server.url, start=start, reconnect=FAST) as stream:
        await stream.send(pcm)
        first = await server.session()
        await server.until(lambda: server.audio_bytes == len(pcm))
        said = replace(final("zero four", 1.0), collected="04", backchannel=0.02)
        laugh = NoWords(start=1.5, end=2.0, audio_time=2.6)
        await first.send(SpeechStarted(start=0.1), said, laugh)
        events: list[StreamEvent] = []
        await until(stream, NoWords, events)
        first.cut()
        second = await server.session()
        again = replace(laugh, start=0.5, end=1.0, audio_time=1.6)
        rest = replace(final("one five", 1.8), collected="15", backchannel=0.02)
        end = replace(turn_end("one five", 1.9), collected="15", backchannel=0.02)
        await second.send(again, SpeechStarted(start=1.2), rest, end)
        await until(stream, TurnEnd, events)
    assert [event.start for event in events if isinstance(event, NoWords)] == [1.5]
    last = events[-1]
    assert isinstance(last, TurnEnd)
    assert (last.text, last.collected, last.backchannel) == ("zero four one five", "0415", 0.02)

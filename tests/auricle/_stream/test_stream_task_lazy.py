"""Streams that begin without a connection: what is buffered, what their events say, and when they give up."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from auricle import (
    AuricleClient,
    Backpressure,
    Connected,
    ConnectionFailed,
    Final,
    Interim,
    ProtocolError,
    Reconnected,
    Reconnecting,
    ReconnectPolicy,
    Refused,
    ServerFull,
    SpeechStarted,
    Start,
    StreamEvent,
    TurnEnd,
    TurnSettings,
)
from auricle.protocol import Update
from tests.auricle.listening import FAST, everything, failure_of, until, words_of
from tests.support.bursts import RATE, START, burst_server, silence, speech, word
from tests.support.scripted.script import Fault, Refusal
from tests.support.scripted_server import client_tasks

TWICE = ReconnectPolicy(attempts=2, first_delay=0.001, max_delay=0.01)
NEVER = ReconnectPolicy(attempts=0)
FULL = Refusal(503, "0")


async def test_the_first_event_is_the_connection() -> None:
    async with burst_server() as server, AuricleClient(server.url) as client, client.stream(START) as stream:
        await stream.send(speech([1, 2]))
        await stream.end()
        events = await everything(stream)
        assert stream.ready.model == "bursts"
        assert stream.url.startswith(server.url)
    assert isinstance(events[0], Connected)
    assert events[0].buffered_seconds == pytest.approx(0.16)
    assert [type(event) for event in events[1:] if not isinstance(event, Interim)] == [SpeechStarted, Final, TurnEnd]
    assert words_of(events) == ["w1", "w2"]


async def test_what_is_said_before_the_server_is_there_is_heard_once_it_is() -> None:
    async with burst_server() as server, AuricleClient(server.url, reconnect=FAST) as client:
        await server.stop_listening()
        async with client.stream(START) as stream:
            events: list[StreamEvent] = []
            await stream.send(word(1))
            await until(stream, Reconnecting, events)
            assert events == [Reconnecting(1, events[0].delay, events[0].error)]  # type: ignore[union-attr]
            await stream.finalize("a")
            await stream.update(turn=TurnSettings("off"))
            await stream.send(word(2) + silence(1.0))
            await stream.end()
            await server.listen()
            events += await everything(stream)
    (connected,) = [event for event in events if isinstance(event, Connected)]
    assert connected.buffered_seconds == pytest.approx(1.16)
    assert connected.lost_seconds == 0.0
    assert next(event.finalize_id for event in events if isinstance(event, Final)) == "a"
    assert words_of(events) == ["w1", "w2"]
    assert not any(isinstance(event, Reconnected | TurnEnd) for event in events)
    assert server.starts == [START]


async def test_of_a_long_wait_the_last_audio_is_kept() -> None:
    policy = replace(FAST, replay_seconds=0.5)
    async with burst_server() as server, AuricleClient(server.url, reconnect=policy) as client:
        await server.stop_listening()
        async with client.stream(START) as stream:
            await stream.send(speech([1]) + silence(1.0))
            await stream.send(speech([2]))
            await stream.end()
            await server.listen()
            events = await everything(stream)
    (connected,) = [event for event in events if isinstance(event, Connected)]
    assert connected.buffered_seconds == pytest.approx(0.5)
    assert connected.lost_seconds == pytest.approx(0.66)
    assert words_of(events) == ["w2"]
    (final,) = [event for event in events if isinstance(event, Final)]
    assert final.start == pytest.approx(1.08)  # on the clock of all audio, lost or not


async def test_a_permanent_error_ends_the_stream_at_the_first_attempt() -> None:
    async with (
        burst_server(key="sesame") as server,
        AuricleClient(server.url, reconnect=FAST) as client,
        client.stream(START) as stream,
    ):
        error, events = await failure_of(stream)
        assert isinstance(error, Refused)
        assert events == []
        with pytest.raises(Refused):
            await stream.send(word(1))


async def test_the_policy_gives_up_with_the_last_error() -> None:
    async with burst_server() as server, AuricleClient(server.url, reconnect=TWICE) as client:
        server.refusals.extend([FULL, FULL, Refusal(502), FULL])
        async with client.stream(START) as stream:
            error, _ = await failure_of(stream)
            assert isinstance(error, ConnectionFailed)
        assert len(server.refusals) == 1


async def test_a_full_server_is_waited_for_when_the_policy_says_so() -> None:
    policy = replace(TWICE, wait_while_full=True)
    async with burst_server() as server, AuricleClient(server.url, reconnect=policy) as client:
        server.refusals.extend([FULL] * 6)
        async with client.stream(START) as stream:
            await stream.send(word(1))
            await stream.end()
            events = await everything(stream)
    assert words_of(events) == ["w1"]


async def test_the_first_connection_may_have_a_policy_of_its_own() -> None:
    async with burst_server() as server, AuricleClient(server.url, reconnect=FAST) as client:
        server.refusals.append(FULL)
        async with client.stream(START, connect_policy=NEVER) as stream:
            assert isinstance((await failure_of(stream))[0], ServerFull)
        async with client.stream(START, connect_policy=NEVER) as stream:
            events: list[StreamEvent] = []
            await until(stream, Connected, events)
            server.refusals.append(FULL)
            server.cut()
            await stream.send(word(1))
            await stream.end()
            events += await everything(stream)
    assert [type(event) for event in events if isinstance(event, Connected | Reconnected)] == [Connected, Reconnected]
    assert words_of(events) == ["w1"]


async def test_a_stream_that_could_not_connect_can_be_gone_on_with() -> None:
    async with burst_server() as server, AuricleClient(server.url, reconnect=NEVER) as client:
        server.refusals.extend([FULL, FULL])
        async with client.stream(START) as stream:
            stream.send_nowait(word(1))
            assert isinstance((await failure_of(stream))[0], ServerFull)
            with pytest.raises(ServerFull):
                await stream.reopen()
            await stream.reopen()
            await stream.end()
            events = await everything(stream)
    assert isinstance(events[0], Connected)
    assert words_of(events) == ["w1"]


async def test_every_attempt_asks_for_the_settings_of_its_moment() -> None:
    languages = iter(["xx", "xx", "de-DE"])
    async with burst_server() as server, AuricleClient(server.url, reconnect=FAST) as client:
        server.refusals.append(FULL)
        async with client.stream(lambda: replace(START, language=next(languages))) as stream:
            await stream.update(latency_ms=160)
            await stream.end()
            await everything(stream)
            assert stream.ready.language == "de-DE"
    assert [start.language for start in server.starts] == ["de-DE"]
    assert Update(latency_ms=160) in server.sessions[0].received


async def test_the_audio_cannot_change_between_attempts() -> None:
    rates = iter([RATE, 2 * RATE])
    async with (
        burst_server() as server,
        AuricleClient(server.url) as client,
        client.stream(lambda: Start(sample_rate=next(rates))) as stream,
    ):
        with pytest.raises(ValueError, match="sample rate"):
            await everything(stream)


async def test_more_audio_may_wait_when_asked_for() -> None:
    async with burst_server() as server, AuricleClient(server.url) as client:
        async with client.stream(START) as stream:
            stream.send_nowait(silence(2.5))
            with pytest.raises(Backpressure):
                stream.send_nowait(silence(0.1))
        async with client.stream(START, send_buffer_seconds=30.0) as stream:
            for _ in range(10):
                stream.send_nowait(silence(2.5))
            await stream.end()
            await everything(stream)
            assert stream.audio_seconds == 25.0


async def test_a_stalled_server_is_given_up_however_much_may_wait() -> None:
    policy = replace(FAST, replay_seconds=3600.0)
    async with (
        burst_server() as server,
        AuricleClient(server.url, reconnect=policy, answer_timeout=0.2) as client,
        client.stream(START, send_buffer_seconds=3600.0) as stream,
    ):
        server.faults.append(Fault("stall", after=2))
        stream.send_nowait(silence(3000.0))  # beyond what the socket buffers of both ends hold
        events: list[StreamEvent] = []
        await until(stream, Reconnecting, events)
        server.released.set()
    (lost,) = [event.error for event in events if isinstance(event, Reconnecting)]
    assert isinstance(lost, ConnectionFailed)
    assert lost.reason == "timeout"


async def test_before_the_first_connection_there_is_no_offer() -> None:
    async with burst_server() as server, AuricleClient(server.url) as client, client.stream(START) as stream:
        with pytest.raises(ProtocolError, match="not been connected"):
            _ = stream.ready
        with pytest.raises(ProtocolError, match="not been connected"):
            _ = stream.url


@pytest.mark.parametrize("moment", ["at once", "waiting", "connecting"])
async def test_closing_while_it_connects_leaves_nothing(moment: str) -> None:
    policy = ReconnectPolicy(attempts=9, first_delay=30.0)
    async with burst_server() as server, AuricleClient(server.url, reconnect=policy) as client:
        tasks = client_tasks()
        if moment == "connecting":
            server.answering.clear()
        if moment == "waiting":
            server.refusals.append(Refusal(502))
        async with client.stream(START) as stream:
            reader = asyncio.create_task(everything(stream))
            if moment == "waiting":
                await asyncio.sleep(0.1)
            elif moment == "connecting":
                await server.until(lambda: len(server.starts) == 1)
        await reader
        server.answering.set()
        await server.until_deserted()
        assert client_tasks() == tasks

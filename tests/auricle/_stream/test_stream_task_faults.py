"""One fault at a time: what may pass is tried again, what will not is not."""

from __future__ import annotations

import asyncio

import pytest

import auricle
from auricle import (
    AuricleError,
    ConnectionFailed,
    Final,
    ProtocolError,
    Reconnected,
    Reconnecting,
    ReconnectPolicy,
    Refused,
    ServerFull,
    StreamEvent,
    StreamFailed,
)
from tests.auricle.listening import FAST, failure_of, until, words_of
from tests.support.bursts import START, burst_server, silence, speech, word
from tests.support.scripted.script import Fault, Refusal
from tests.support.scripted_server import client_tasks


@pytest.mark.parametrize(
    "fault",
    [
        Fault("abort", after=3),
        Fault("close", after=3, close_code=1001),
        Fault("close", after=3, close_code=1012),
        Fault("fail", after=3, code="internal"),
        Fault("fail", after=3, code="worker_lost"),
        Fault("fail", after=3, code="shutting_down"),
        Fault("fail", after=3, code="server_full"),
        Fault("fail", after=3, code="stream_too_long"),
        Fault("fail", after=3, code="idle_timeout"),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.close_code}-{fault.code}",
)
async def test_what_may_pass_is_tried_again(fault: Fault) -> None:
    async with burst_server() as server:
        server.faults.extend([fault, fault])
        async with auricle.connect(server.url, start=START, reconnect=FAST) as stream:
            await stream.send(speech(range(1, 21)))
            await stream.end()
            events = [event async for event in stream]
    assert words_of(events) == [f"w{value}" for value in range(1, 21)]
    trouble = [event for event in events if isinstance(event, Reconnecting | Reconnected)]
    assert [type(event) for event in trouble] == [Reconnecting, Reconnected] * 2


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault("fail", after=2, code="bad_audio"), StreamFailed),
        (Fault("fail", after=2, code="message_too_big"), StreamFailed),
        (Fault("close", after=2, close_code=1008), ProtocolError),
        (Fault("close", after=2, close_code=1009), ProtocolError),
        (Fault("garbage", after=2), ProtocolError),
    ],
    ids=str,
)
async def test_what_will_not_pass_is_not_tried_again(fault: Fault, kind: type[AuricleError]) -> None:
    async with burst_server() as server:
        server.faults.append(fault)
        async with auricle.connect(server.url, start=START, reconnect=FAST) as stream:
            await stream.send(speech([1, 2, 3]))
            error, events = await failure_of(stream)
            assert isinstance(error, kind)
            assert not any(isinstance(event, Reconnecting) for event in events)
            assert len(server.starts) == 1
            for late in (stream.send(word(1)), stream.finalize(), stream.update(latency_ms=80), stream.end()):
                with pytest.raises(kind):
                    await late
            with pytest.raises(kind):
                await anext(stream)


async def test_a_polite_close_before_the_end_is_no_end() -> None:
    async with burst_server() as server:
        server.faults.append(Fault("close", after=2, close_code=1000))
        async with auricle.connect(server.url, start=START, reconnect=FAST) as stream:
            events: list[StreamEvent] = []
            await stream.send(speech([1, 2, 3]))
            await until(stream, Reconnected, events)
            await stream.end()
            events += [event async for event in stream]
    assert words_of(events) == ["w1", "w2", "w3"]


async def test_a_polite_close_that_leaves_a_finalize_open_is_no_end() -> None:
    async with burst_server() as server:
        server.faults.append(Fault("close", after=2, close_code=1000))
        async with auricle.connect(server.url, start=START, reconnect=FAST) as stream:
            await stream.send(speech([1, 2, 3]))
            asked = await stream.finalize()
            await stream.end()
            events = [event async for event in stream]
    assert [(event.finalize_id, event.text) for event in events if isinstance(event, Final)] == [(asked, "w1 w2 w3")]


async def test_a_session_closed_under_its_streams_ends_them() -> None:
    async with burst_server() as server:
        client = auricle.AuricleClient(server.url, reconnect=FAST)
        async with await client.open(START) as stream:
            await client.aclose()
            error, _ = await failure_of(stream)
    assert isinstance(error, ConnectionFailed)
    assert "session" in str(error)


async def test_a_server_that_stops_answering_is_left() -> None:
    async with burst_server() as server:
        server.faults.append(Fault("stall", after=3))
        async with auricle.connect(server.url, start=START, reconnect=FAST, heartbeat=0.2) as stream:
            await stream.send(speech(range(1, 21)))
            await stream.end()
            events = [event async for event in stream]
    assert words_of(events) == [f"w{value}" for value in range(1, 21)]
    (why,) = [event.error for event in events if isinstance(event, Reconnecting)]
    assert isinstance(why, ConnectionFailed)
    assert why.reason == "timeout"


async def test_a_stream_gives_up_in_the_end() -> None:
    policy = ReconnectPolicy(attempts=3, first_delay=0.001, max_delay=0.01)
    async with burst_server() as server:
        server.faults.append(Fault("abort", after=2))
        async with auricle.connect(server.url, start=START, reconnect=policy) as stream:
            await server.stop_listening()
            blocked = asyncio.create_task(stream.send(silence(600.0)))
            events: list[StreamEvent] = []
            error, events = await failure_of(stream)
            with pytest.raises(ConnectionFailed):
                await blocked
    assert isinstance(error, ConnectionFailed)
    assert error.reason == "unreachable"
    assert max(event.attempt for event in events if isinstance(event, Reconnecting)) == 3


async def test_without_attempts_the_first_loss_is_the_last() -> None:
    async with burst_server() as server:
        server.faults.append(Fault("abort", after=2))
        async with auricle.connect(server.url, start=START, reconnect=ReconnectPolicy(attempts=0)) as stream:
            await stream.send(word(1))
            error, events = await failure_of(stream)
    assert isinstance(error, ConnectionFailed)
    assert error.reason == "lost"
    assert not any(isinstance(event, Reconnecting) for event in events)


async def test_a_key_that_was_taken_back_ends_the_stream() -> None:
    async with burst_server() as server:
        server.faults.append(Fault("abort", after=2))
        async with auricle.connect(server.url, start=START, reconnect=FAST) as stream:
            server.refusals.append(Refusal(401))
            await stream.send(word(1))
            error, _ = await failure_of(stream)
    assert isinstance(error, Refused)


async def test_a_full_server_is_asked_when_it_says() -> None:
    async with burst_server() as server:
        server.faults.append(Fault("abort", after=2))
        tasks = client_tasks()
        async with auricle.connect(server.url, start=START, reconnect=FAST) as stream:
            server.refusals.append(Refusal(503, "20"))
            await stream.send(word(1))
            waits: list[StreamEvent] = []
            await until(stream, Reconnecting, waits)
            await until(stream, Reconnecting, waits)
        assert client_tasks() == tasks
    told = waits[-1]
    assert isinstance(told, Reconnecting)
    assert told.delay == 20.0
    assert isinstance(told.error, ServerFull)


async def test_a_stream_that_idled_away_comes_back_with_the_voice() -> None:
    async with burst_server() as server:
        server.faults.append(Fault("fail", after=2, code="idle_timeout"))
        async with auricle.connect(server.url, start=START, reconnect=FAST) as stream:
            await stream.send(word(1))
            await server.until_deserted()
            events: list[StreamEvent] = []
            await stream.send(word(2))
            await until(stream, Reconnected, events)
            await stream.end()
            events += [event async for event in stream]
    assert words_of(events) == ["w1", "w2"]
    assert len(server.starts) == 2

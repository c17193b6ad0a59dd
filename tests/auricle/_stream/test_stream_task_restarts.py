"""A server whose worker restarts: a call waits for it, and no word is lost."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

import auricle
from auricle import Reconnected, Reconnecting, ReconnectPolicy, ServerFull, ServerRestarting, StreamFailed
from auricle._stream import keyterms_gate
from auricle.protocol import Error, KeytermsInForce, ServerEvent
from tests.auricle.listening import FAST, failure_of, until, words_of
from tests.support.bursts import START, burst_server, silence, speech, word
from tests.support.scripted.script import Fault, Refusal

RESTARTING = Refusal(503, "0", "restarting: no worker is ready; try again in a moment")
FULL = Refusal(503, "0", "server_full: every slot is in use")


@pytest.mark.parametrize("lost", [Fault("fail", after=3, code="worker_lost"), Fault("abort", after=3)])
async def test_a_restart_longer_than_all_attempts_costs_one(lost: Fault) -> None:
    policy = ReconnectPolicy(attempts=1, first_delay=0.001, max_delay=0.01)
    async with burst_server() as server:
        server.faults.append(lost)
        async with auricle.connect(server.url, start=START, reconnect=policy) as stream:
            server.refusals.extend([RESTARTING] * 20)
            await stream.send(speech(range(1, 21)))
            await stream.end()
            events = [event async for event in stream]
        assert not server.refusals
    assert words_of(events) == [f"w{value}" for value in range(1, 21)]
    attempts = [event for event in events if isinstance(event, Reconnecting)]
    assert [event.attempt for event in attempts] == [1] * 21
    assert all(isinstance(event.error, ServerRestarting) for event in attempts[1:])
    assert sum(isinstance(event, Reconnected) for event in events) == 1


async def test_a_stream_that_begins_while_the_server_restarts_waits_for_it() -> None:
    policy = ReconnectPolicy(attempts=1, first_delay=0.001, max_delay=0.01)
    async with burst_server() as server, auricle.AuricleClient(server.url, reconnect=policy) as client:
        server.refusals.extend([RESTARTING] * 20)
        async with client.stream(START) as stream:
            await stream.send(speech([1, 2]))
            await stream.end()
            events = [event async for event in stream]
    assert words_of(events) == ["w1", "w2"]


async def test_a_server_that_restarts_for_ever_is_given_up_in_the_end() -> None:
    policy = ReconnectPolicy(attempts=2, first_delay=0.001, max_delay=0.01, replay_seconds=0.2)
    async with burst_server() as server:
        server.faults.append(Fault("abort", after=2))
        async with auricle.connect(server.url, start=START, reconnect=policy) as stream:
            server.refusals.extend([RESTARTING] * 100_000)
            await stream.send(speech([1]))
            error, events = await failure_of(stream)
    assert isinstance(error, ServerRestarting)
    assert max(event.attempt for event in events if isinstance(event, Reconnecting)) == 2


async def test_full_is_still_counted_between_restarts() -> None:
    policy = ReconnectPolicy(attempts=3, first_delay=0.001, max_delay=0.01)
    async with burst_server() as server:
        server.faults.append(Fault("abort", after=2))
        async with auricle.connect(server.url, start=START, reconnect=policy) as stream:
            server.refusals.extend([RESTARTING, FULL, RESTARTING, FULL, RESTARTING, FULL, RESTARTING])
            await stream.send(speech([1]))
            error, _ = await failure_of(stream)
    assert isinstance(error, ServerFull)
    assert str(error) == "every slot is in use; it suggests another attempt in 0 s"


LOSSES = ReconnectPolicy(attempts=3, first_delay=0.0, max_delay=0.0)
"""Every connection lasts longer than the longest delay."""


async def test_a_recording_over_which_the_server_is_lost_again_and_again_is_given_up() -> None:
    """Each connection lasted, so it began from zero for ever."""
    start = replace(START, offline=True)
    async with burst_server() as server:
        server.faults.extend([Fault("fail", after=3, code="worker_lost")] * 100)
        async with auricle.connect(server.url, start=start, reconnect=LOSSES, packet_ms=10) as stream:
            sending = asyncio.create_task(stream.send(speech(range(1, 9))))
            error, events = await failure_of(stream)
            await asyncio.gather(sending, return_exceptions=True)
    assert isinstance(error, StreamFailed)
    assert error.code == "worker_lost"
    assert "lost 4 times after 0.0 s of the recording: " in str(error)
    assert len(server.starts) == 1 + LOSSES.attempts
    assert words_of(events) == []


async def test_a_recording_that_makes_progress_is_not_given_up() -> None:
    start = replace(START, offline=True)
    async with burst_server() as server:
        server.faults.extend([Fault("fail", seconds=1.0, code="worker_lost")] * 8)
        async with auricle.connect(server.url, start=start, reconnect=LOSSES, packet_ms=10) as stream:

            async def send() -> None:
                for value in range(1, 21):
                    await stream.send(speech([value]) + silence(0.6))
                await stream.end()

            sending = asyncio.create_task(send())
            events = [event async for event in stream]
            await sending
    assert not server.faults
    assert words_of(events) == [f"w{value}" for value in range(1, 21)]


async def test_a_live_stream_is_not_given_up_while_connections_last() -> None:
    async with burst_server() as server:
        server.faults.extend([Fault("fail", after=3, code="worker_lost")] * 10)
        async with auricle.connect(server.url, start=START, reconnect=LOSSES, packet_ms=10) as stream:
            await stream.send(speech(range(1, 9)))
            await stream.end()
            events = [event async for event in stream]
    assert not server.faults
    assert words_of(events) == [f"w{value}" for value in range(1, 9)]


NO_ROOM = Error(code="no_room_for_keyterms", fault="server", fatal=False, message="no room")


@pytest.mark.parametrize("event", [KeytermsInForce(count=1), NO_ROOM, None], ids=["in force", "no room", "none"])
async def test_what_is_replayed_waits_for_the_key_terms(
    event: ServerEvent | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All at once it would be decoded without them; but it does not wait for ever for a server that tells nothing."""
    monkeypatch.setattr(keyterms_gate, "PATIENCE", 0.05 if event is None else 60.0)
    start = replace(START, keyterms=("w1",))
    async with burst_server() as server:
        server.faults.append(Fault("abort", after=3))
        async with auricle.connect(server.url, start=start, reconnect=FAST, packet_ms=1) as stream:
            await server.stop_listening()
            await stream.send(word(1))
            await server.until(lambda: server.audio_bytes == len(word(1)))
            await stream.send(word(2))
            await until(stream, Reconnecting, [])
            await server.listen()
            await until(stream, Reconnected, [])
            if event is not None:
                assert not server.sessions[-1].audio
                await server.sessions[-1].send(event)
            await stream.end()
            events = [each async for each in stream]
    assert words_of(events) == ["w1", "w2"]

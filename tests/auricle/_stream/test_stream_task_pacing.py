"""Slow servers and slow callers: everybody waits, nobody hoards."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

import auricle
from auricle import Backpressure, ConnectionFailed, Final, ProtocolError, Reconnecting, Start, StreamEvent
from auricle._stream import event_queue
from tests.auricle.listening import FAST, everything, until, words_of
from tests.support.bursts import START, burst_server, speech
from tests.support.scripted.script import Fault
from tests.support.scripted_server import client_tasks


async def test_a_slow_server_slows_the_sender_and_memory_stays_bounded() -> None:
    async with burst_server() as server:
        server.faults.append(Fault("stall", after=1))
        start = Start(sample_rate=48_000)
        async with auricle.connect(server.url, start=start, reconnect=FAST, heartbeat=None) as stream:
            sending = asyncio.create_task(stream.send(bytes(96_000 * 600)))
            done, _ = await asyncio.wait([sending], timeout=0.5)
            assert not done
            assert stream._replay_buffer.unsent_seconds <= 2.5 < stream.audio_seconds
            assert stream._replay_buffer.held_seconds <= 62.5
            sending.cancel()
            await asyncio.wait([sending])
        server.released.set()
        await server.until_deserted()


async def test_closing_on_a_server_that_does_not_read_is_quick() -> None:
    async with burst_server() as server:
        server.faults.append(Fault("stall", after=1))
        start = Start(sample_rate=48_000)
        tasks = client_tasks()
        async with auricle.connect(server.url, start=start, heartbeat=None) as stream:
            sending = asyncio.create_task(stream.send(bytes(96_000 * 600)))
            await asyncio.wait([sending], timeout=0.3)
            async with asyncio.timeout(3.0):
                await stream.aclose()
            with pytest.raises(ProtocolError, match="after_end"):
                await sending
        server.released.set()
        await server.until_deserted()
        assert client_tasks() == tasks


async def test_a_slow_reader_loses_nothing_and_memory_stays_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_queue, "MAX_QUEUED", 32)
    async with burst_server() as server, auricle.connect(server.url, start=START) as stream:
        ids = [await stream.finalize() for _ in range(200)]
        await stream.end()
        await server.until(lambda: server.finished == 1)
        assert len(stream._task.events) <= 32
        heard = [event.finalize_id async for event in stream if isinstance(event, Final)]
    assert heard == ids


async def test_whoever_cannot_wait_is_told_that_there_is_no_room() -> None:
    async with burst_server() as server:
        server.faults.append(Fault("stall", after=1))
        async with auricle.connect(server.url, start=Start(sample_rate=48_000), heartbeat=None) as stream:

            async def shout() -> None:
                while True:
                    stream.send_nowait(bytes(48_000))
                    await asyncio.sleep(0)

            with pytest.raises(Backpressure) as caught:
                await shout()
            assert 2.0 <= caught.value.unsent_seconds <= 2.5
            assert not caught.value.permanent
            taken = stream.audio_seconds
            with pytest.raises(Backpressure):
                stream.send_nowait(bytes(48_000))
            assert stream.audio_seconds == taken
            with pytest.raises(ProtocolError, match="bad_audio"):
                stream.send_nowait(b"x")
        server.released.set()


async def test_whoever_does_not_wait_is_heard() -> None:
    async with burst_server() as server, auricle.connect(server.url, start=START) as stream:
        for piece in (speech([1, 2]), speech([3])):
            stream.send_nowait(piece)
        await stream.end()
        assert words_of(await everything(stream)) == ["w1", "w2", "w3"]


async def test_a_server_that_owes_an_answer_and_says_nothing_is_given_up() -> None:
    async with burst_server() as server:
        server.faults.append(Fault("stall", after=2))
        async with auricle.connect(
            server.url, start=START, reconnect=FAST, heartbeat=None, answer_timeout=0.2
        ) as stream:
            await stream.send(speech([1, 2]))
            await stream.finalize("now")
            events: list[StreamEvent] = []
            await until(stream, Final, events)
            assert words_of(events) == ["w1", "w2"]
            [lost] = [event for event in events if isinstance(event, Reconnecting)]
            assert isinstance(lost.error, ConnectionFailed)
            assert lost.error.reason == "timeout"
        server.released.set()


async def test_a_server_that_owes_nothing_may_be_silent() -> None:
    async with burst_server() as server:
        async with auricle.connect(
            server.url, start=START, reconnect=FAST, heartbeat=None, answer_timeout=0.05
        ) as stream:
            reading = asyncio.create_task(everything(stream))
            done, _ = await asyncio.wait([reading], timeout=0.3)
            assert not done
            await stream.end()
            assert await reading == []
        assert len(server.starts) == 1


@pytest.mark.parametrize("offline", [True, False])
async def test_a_file_waits_for_as_long_as_its_server_takes(offline: bool) -> None:
    async with burst_server() as server:
        server.faults.append(Fault("stall", after=2))
        start = replace(START, offline=offline)
        async with auricle.connect(
            server.url, start=start, reconnect=FAST, heartbeat=None, answer_timeout=0.05
        ) as stream:
            await stream.send(speech([1, 2]))
            await stream.finalize("now")
            reading = asyncio.create_task(until(stream, Reconnecting, []))
            done, _ = await asyncio.wait([reading], timeout=0.5)
            assert bool(done) is not offline
            reading.cancel()
        server.released.set()

"""Slow servers and slow callers: everybody waits, nobody hoards."""

from __future__ import annotations

import asyncio

import pytest

import auricle
from auricle import (
    Final,
    ProtocolError,
    Start,
    mailbox,
)
from tests.auricle.listening import FAST
from tests.auricle.recogniser import START
from tests.auricle.servers import Fault, ScriptedServer, client_tasks


async def test_a_slow_server_slows_the_sender_and_memory_stays_bounded() -> None:
    async with ScriptedServer() as server:
        server.faults.append(Fault("stall", after=1))
        start = Start(sample_rate=48_000)
        async with auricle.connect(server.url, start=start, reconnect=FAST, heartbeat=None) as stream:
            sending = asyncio.create_task(stream.send(bytes(96_000 * 600)))
            done, _ = await asyncio.wait([sending], timeout=0.5)
            assert not done
            assert stream._journal.unsent_seconds <= 2.5 < stream.audio_seconds
            assert stream._journal.held_seconds <= 62.5
            sending.cancel()
            await asyncio.wait([sending])
        server.released.set()
        await server.until("open_sockets", 0)


async def test_closing_on_a_server_that_does_not_read_is_quick() -> None:
    async with ScriptedServer() as server:
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
        await server.until("open_sockets", 0)
        assert client_tasks() == tasks


async def test_a_slow_reader_loses_nothing_and_memory_stays_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox, "MOST_WAITING", 32)
    async with ScriptedServer() as server, auricle.connect(server.url, start=START) as stream:
        ids = [await stream.finalize() for _ in range(200)]
        await stream.end()
        await server.until("finished", 1)
        assert len(stream._pump.mailbox) <= 32
        heard = [event.finalize_id async for event in stream if isinstance(event, Final)]
    assert heard == ids

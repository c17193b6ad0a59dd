"""What must not hurt: workers that go, streams faster than the engine, a server that shuts down."""

from __future__ import annotations

import asyncio
import logging
import socket

import aiohttp
import pytest

import auricle
from auricle_server.gateway.http import websocket
from auricle_server.gateway.http.websocket import WebSocketHandler
from auricle_server.gateway.session import session
from auricle_server.gateway.workers import model_pools
from auricle_server.gateway.workers.slot_lease import SlotLease
from tests.auricle_server.fake_engine import FakeEngine, speech
from tests.auricle_server.gateway.worker_bench import HELLO, bench
from tests.auricle_server.raw_client import connected_client, transcribed, until


async def test_a_worker_that_goes_closes_its_streams_and_its_successor_serves() -> None:
    async with bench(FakeEngine()) as table:
        async with connected_client(table.url) as client:
            await client.start()
            await client.send_audio(speech("one"))
            await client.event("interim")
            await table.stop(0)
            [error] = await client.rest()
            assert (error["code"], error["fault"], client.close_code) == ("worker_lost", "server", 1012)
        await table.until_readiness(503)
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            async with connected_client(table.url):
                pass
        assert refused.value.status == 503
        table.start(0)
        await table.until_readiness(200)
        assert await transcribed(table.url, HELLO) == "one two"


async def test_a_failed_step_is_a_lost_worker_to_its_streams() -> None:
    async with bench(FakeEngine()) as table:
        async with connected_client(table.url) as client:
            await client.start()
            table.engines[0].broken = 1
            await client.send_audio(HELLO)
            error = (await client.rest())[-1]
            assert (error["code"], client.close_code) == ("worker_lost", 1012)
        assert await transcribed(table.url, HELLO) == "one two"


async def test_a_stream_that_fails_in_the_worker_fails_alone() -> None:
    async with bench(FakeEngine()) as table, connected_client(table.url) as good, connected_client(table.url) as bad:
        table.engines[0].poison = 2
        await good.start()
        await bad.start()
        for number in range(2):  # the second flush fails
            await bad.send_audio(speech("one"))
            await bad.send(type="finalize", id=str(number))
        error = (await bad.rest())[-1]
        assert (error["code"], error["fault"], bad.close_code) == ("internal", "server", 1011)
        await good.send_audio(HELLO)
        await good.end()
        assert good.text == "one two"


async def test_a_failure_of_our_own_is_no_normal_end(monkeypatch: pytest.MonkeyPatch) -> None:
    async with bench(FakeEngine()) as table, connected_client(table.url) as client:
        await client.start()
        monkeypatch.setattr(session.Session, "next_text", lambda _: 1 / 0)
        await client.send_audio(HELLO)
        assert await client.rest() == []
        assert client.close_code == 1011


async def test_two_workers_share_the_streams_and_fail_apart() -> None:
    async with bench(FakeEngine(slots=1), FakeEngine(slots=1)) as table:
        async with connected_client(table.url) as first, connected_client(table.url) as second:
            await first.start()
            await second.start()
            assert [engine.slots_used for engine in table.engines] == [1, 1]
            with pytest.raises(aiohttp.WSServerHandshakeError):
                async with connected_client(table.url):
                    pass
            await table.stop(0)
            talks = {client: asyncio.create_task(client.rest()) for client in (first, second)}
            done, _ = await asyncio.wait(talks.values(), timeout=5, return_when=asyncio.FIRST_COMPLETED)
            assert [error["code"] for task in done for error in task.result()] == ["worker_lost"]
            [survivor] = [client for client, task in talks.items() if task not in done]
            await survivor.send_audio(HELLO)
            await survivor.send(type="end")
            await talks[survivor]
            assert survivor.text == "one two"
        assert await table.readiness() == 200


async def test_a_stream_faster_than_the_engine_waits_and_the_others_do_not() -> None:
    engine = FakeEngine(step_seconds=0.002)
    async with (
        bench(engine, buffered_seconds=1.0) as table,
        connected_client(table.url) as fast,
        connected_client(table.url) as calm,
    ):
        await fast.start()
        await calm.start()
        flood = asyncio.create_task(fast.send_audio(speech(*["one", "two"] * 150), piece=2560))
        await asyncio.sleep(0.05)
        asked = asyncio.get_running_loop().time()
        await calm.send_audio(HELLO)
        await calm.send(type="finalize", id="f")
        assert (await calm.event("final"))["text"] == "one two"
        assert asyncio.get_running_loop().time() - asked < 1
        assert not flood.done() or engine.most_backlog > 1
        await flood
        await fast.end()
        assert len(fast.text.split()) == 300
        assert 0.9 < engine.most_backlog < 1.3
        await calm.end()


async def test_a_client_that_has_to_wait_for_the_engine_knows_that_the_server_lives(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(websocket, "PING_SECONDS", 0.05)
    start = auricle.Start(latency_ms=160)
    async with bench(FakeEngine(step_seconds=0.3), buffered_seconds=0.1) as table:
        async with auricle.connect(table.url, start=start, heartbeat=0.3, answer_timeout=None) as stream:
            for _ in range(2):
                await stream.send(speech(None, None, None, "one"))
            await stream.end()
            events = [event async for event in stream]
        assert not [event for event in events if isinstance(event, auricle.Reconnecting)]
        assert " ".join(event.text for event in events if isinstance(event, auricle.Final)) == "one one"


def frame(payload: bytes, opcode: int) -> bytes:
    """A masked WebSocket frame whose mask changes nothing."""
    assert len(payload) < 65536
    length = bytes([128 | len(payload)]) if len(payload) < 126 else b"\xfe" + len(payload).to_bytes(2, "big")
    return bytes([128 | opcode]) + length + bytes(4) + payload


UPGRADE = (
    b"GET /v1/stream HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


async def test_a_client_that_is_gone_before_its_upgrade_is_no_error_of_the_server(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked, gone = asyncio.Event(), asyncio.Event()
    async with bench(FakeEngine()) as table:
        reserve = table.gateway.workers.default.reserve

        async def reserve_slowly(latency_ms: int | None) -> SlotLease:
            lease = await reserve(latency_ms)
            asked.set()
            await gone.wait()
            return lease

        monkeypatch.setattr(table.gateway.workers.default, "reserve", reserve_slowly)
        _, writer = await asyncio.open_connection("127.0.0.1", int(table.url.rpartition(":")[2]))
        writer.write(UPGRADE)
        await asked.wait()
        writer.transport.abort()
        await asyncio.sleep(0.1)  # the server's loop learns of it
        gone.set()
        await until(lambda: table.engines[0].slots_used == 0)
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_a_client_that_never_reads_is_read_no_further_and_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_pools, "BEAT_SECONDS", 0.1)
    monkeypatch.setattr(session, "MAX_UNSENT", 8)
    async with bench(FakeEngine(), stall_seconds=0.5) as table, connected_client(table.url) as good:
        await good.start()
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.connect(("127.0.0.1", int(table.url.rpartition(":")[2])))
        reader, writer = await asyncio.open_connection(sock=sock, limit=1024)
        writer.write(UPGRADE)
        await reader.readuntil(b"\r\n\r\n")
        [stalled] = [
            stalled
            for stalled in table.gateway._connections._handlers
            if stalled.session.name != good.events[0]["session"]
        ]
        assert isinstance(stalled, WebSocketHandler)
        assert stalled._request.transport is not None
        stalled._request.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        writer.write(frame(b'{"type":"start"}', 1))

        async def flood() -> None:
            number = 0
            while True:
                number += 1
                writer.write(frame(b"\0\0", 2) + frame(b'{"type":"finalize","id":"%0120d"}' % number, 1))
                await writer.drain()
                assert len(stalled.session._outgoing.waiting) < 300

        with pytest.raises(ConnectionError):
            await asyncio.wait_for(flood(), 20)
        writer.close()
        await good.send_audio(HELLO)
        await good.end()
        assert good.text == "one two"


async def test_a_shutdown_finalises_what_is_open_and_refuses_what_is_new() -> None:
    async with (
        bench(FakeEngine(), drain_seconds=0.3) as table,
        connected_client(table.url) as client,
        connected_client(table.url) as unborn,
    ):
        await client.start()
        await client.send_audio(speech("one", "two"))
        await client.event("interim")
        draining = asyncio.create_task(table.gateway.drain())
        await table.until_readiness(503)
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            async with connected_client(table.url):
                pass
        assert (refused.value.status, refused.value.headers is not None) == (503, True)
        await client.send_audio(speech("three", None, None, None, frames=1))
        *_, final, error = await client.rest()
        assert (final["type"], final["text"], final.get("finalize_id")) == (
            "final",
            "one two three",
            None,
        )
        assert (error["code"], error["fault"], client.close_code) == ("shutting_down", "server", 1012)
        assert [event["code"] for event in await unborn.rest()] == ["shutting_down"]
        await draining


async def test_a_shutdown_waits_for_streams_that_end_by_themselves() -> None:
    async with bench(FakeEngine(), drain_seconds=30) as table, connected_client(table.url) as client:
        await client.start()
        draining = asyncio.create_task(table.gateway.drain())
        await table.until_readiness(503)
        await client.send_audio(HELLO)
        await client.end()
        assert (client.text, client.close_code) == ("one two", 1000)
        await asyncio.wait_for(draining, 5)

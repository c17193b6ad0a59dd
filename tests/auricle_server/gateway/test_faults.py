"""What must not hurt: workers that go, streams faster than the engine, a server that shuts down."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

import auricle
from auricle_server.config import DEFAULT_LIMITS, ServerConfig
from auricle_server.gateway.http import connections, websocket
from auricle_server.gateway.http.app import Gateway
from auricle_server.gateway.http.server import listening, serve_until, until_ready
from auricle_server.gateway.session import session
from auricle_server.gateway.workers import worker_client, worker_pool
from auricle_server.ipc import GatewayChannel, InProcessChannel
from auricle_server.ipc.messages import FromWorker, OpenStream, StreamOpened, ToWorker
from auricle_server.worker.admission import Admission, StepCalibration, StepTiming
from auricle_server.worker.factory import model_info
from auricle_server.worker.loop import Worker
from tests.auricle_server.fake_engine import FakeEngine, speech
from tests.auricle_server.raw_client import connected_client, transcribed, until

HELLO = speech("one", None, "two", None)


class Bench:
    """A gateway and workers around stand-in engines, each in a thread, to be stopped and started."""

    def __init__(self, *engines: FakeEngine, calibration: StepCalibration | None = None) -> None:
        self.engines = engines
        self._calibration = calibration
        self.links = [InProcessChannel() for _ in engines]
        self._stops = [threading.Event() for _ in engines]
        self._threads: list[threading.Thread | None] = [None for _ in engines]
        self.gateway: Gateway
        self.url = ""

    def start(self, index: int) -> None:
        engine = self.engines[index].as_engine()
        known = self._calibration
        admission = None if known is None else Admission(engine.info.latencies_ms, 0.8, known)
        it = Worker(engine, self.links[index].worker, model_info(engine), admission)
        self._stops[index].clear()
        thread = self._threads[index] = threading.Thread(target=it.run, args=(self._stops[index],), daemon=True)
        thread.start()

    async def stop(self, index: int) -> None:
        self._stops[index].set()
        thread = self._threads[index]
        if thread is not None:
            await asyncio.to_thread(thread.join)

    async def readiness(self) -> int:
        async with aiohttp.ClientSession() as http, http.get(self.url.replace("ws", "http", 1) + "/readyz") as answer:
            return answer.status

    async def until_readiness(self, status: int) -> None:
        async def reached() -> bool:
            return await self.readiness() == status

        await until(reached)


@asynccontextmanager
async def bench(
    *engines: FakeEngine, calibration: StepCalibration | None = None, **options: Any
) -> AsyncIterator[Bench]:
    limits = {name: options.pop(name) for name in list(options) if hasattr(DEFAULT_LIMITS, name)}
    config = ServerConfig(port=0, limits=replace(DEFAULT_LIMITS, **limits), **options)
    table = Bench(*engines, calibration=calibration)
    for index in range(len(engines)):
        table.start(index)
    async with listening(config, [link.gateway() for link in table.links]) as (gateway, port):
        table.gateway, table.url = gateway, f"ws://127.0.0.1:{port}"
        await until_ready(gateway, 10)
        yield table
    for index in range(len(engines)):
        await table.stop(index)
        assert table.engines[index].slots_used == 0


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


async def test_a_client_that_never_reads_is_read_no_further_and_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_pool, "BEAT_SECONDS", 0.1)
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


class QuietLink:
    """A link to a worker that opens streams and says nothing else."""

    def __init__(self, table: InProcessChannel) -> None:
        self._real: GatewayChannel = table.gateway()
        self.quiet = False
        self.heard: list[ToWorker] = []

    async def send(self, message: ToWorker) -> None:
        self.heard.append(message)
        await self._real.send(message)

    async def receive(self) -> FromWorker:
        while True:
            message = await self._real.receive()
            if not self.quiet:
                return message

    async def close(self) -> None:
        await self._real.close()


async def test_a_worker_that_falls_silent_is_lost_until_it_speaks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_pool, "BEAT_SECONDS", 0.05)
    monkeypatch.setattr(worker_client, "SILENCE_SECONDS", 1.5)
    table = Bench(FakeEngine())
    table.start(0)
    link = QuietLink(table.links[0])
    async with listening(ServerConfig(port=0), [link]) as (gateway, port):
        table.url = f"ws://127.0.0.1:{port}"
        await until_ready(gateway, 10)
        async with connected_client(table.url) as client:
            await client.start()
            link.quiet = True
            [error] = await client.rest()
            assert (error["code"], client.close_code) == ("worker_lost", 1012)
            assert await table.readiness() == 503
        link.quiet = False
        await table.until_readiness(200)
        assert await transcribed(table.url, HELLO) == "one two"
    await table.stop(0)


class BrokenLink:
    """A link that fails as none should."""

    async def send(self, message: ToWorker) -> None:
        await asyncio.Event().wait()

    async def receive(self) -> FromWorker:
        raise ValueError("these bytes are no message")

    async def close(self) -> None:
        pass


async def test_a_gateway_whose_link_breaks_ends_so_that_another_can_start() -> None:
    with pytest.raises(ExceptionGroup) as broken:
        await serve_until(asyncio.Event(), ServerConfig(port=0), lambda: [BrokenLink()], lambda: None)
    assert broken.group_contains(ValueError)


async def test_a_shutdown_without_a_worker_still_closes_with_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_FLUSH_SECONDS", 0.1)
    table = Bench(FakeEngine())
    table.start(0)
    link = QuietLink(table.links[0])
    async with listening(ServerConfig(port=0, drain_seconds=0), [link]) as (gateway, port):
        await until_ready(gateway, 10)
        async with connected_client(f"ws://127.0.0.1:{port}") as client:
            await client.start()
            link.quiet = True
            draining = asyncio.create_task(gateway.drain())
            [error] = await client.rest()
            assert (error["code"], client.close_code) == ("shutting_down", 1012)
            await draining
    await table.stop(0)


async def test_a_slot_that_comes_too_late_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_client, "RESERVE_SECONDS", 0.1)
    table = Bench(FakeEngine())
    table.start(0)
    link = QuietLink(table.links[0])
    async with listening(ServerConfig(port=0), [link]) as (gateway, port):
        await until_ready(gateway, 10)
        link.quiet = True
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            async with connected_client(f"ws://127.0.0.1:{port}"):
                pass
        assert refused.value.status == 503
        link.quiet = False
        items = [item for message in link.heard for part in message.parts for item in part.items]
        [opened] = [item for item in items if isinstance(item, OpenStream)]
        table.links[0].worker.send(b"gateway-1", FromWorker((StreamOpened(opened.stream, 1, 1),)))
        await until(lambda: not table.engines[0].slots_used)
    await table.stop(0)


# --- no more streams than there is time for --------------------------------------------------------------------------

TIGHT = StepCalibration(tuple(StepTiming(latency, rows, 0.03 * rows) for latency in (80, 160) for rows in (1, 2, 4)))
"""Time for two streams of 80 ms, or for four of 160 ms."""


async def get(table: Bench, path: str) -> str:
    async with aiohttp.ClientSession() as http, http.get(table.url.replace("ws", "http", 1) + path) as answer:
        assert answer.status == 200
        return await answer.text()


async def test_a_stream_for_which_there_is_no_time_is_refused_before_the_upgrade(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker_pool, "BEAT_SECONDS", 0.05)
    monkeypatch.setattr("auricle_server.worker.loop.STATS_SECONDS", 0.05)
    async with bench(FakeEngine(slots=8), calibration=TIGHT) as table:
        async with connected_client(table.url) as one, connected_client(table.url) as two:
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                async with connected_client(table.url):
                    pass
            assert refused.value.status == 503
            assert refused.value.headers is not None
            assert int(refused.value.headers["Retry-After"]) >= 1
            await until(lambda: table.gateway.workers.full)
            state = json.loads(await get(table, "/readyz"))  # full is not unready
            assert (state["full"], state["slots"]) == (True, 8)
            metrics = await get(table, "/metrics")
            assert 'auricle_refused_total{code="server_full"} 1.0' in metrics
            assert "auricle_capacity_streams 2.0" in metrics
            [load] = re.findall(r'auricle_load{kind="predicted",worker="0"} (.*)', metrics)
            assert float(load) == pytest.approx(0.75, rel=0.01)
            for client in (one, two):
                await client.start()
                await client.send_audio(HELLO)
                await client.end()
                assert client.text == "one two"
        await until(lambda: not table.gateway.workers.full)
        assert await transcribed(table.url, HELLO) == "one two"
        assert 'auricle_step_seconds_count{chunk_ms="80"}' in await get(table, "/metrics")


async def test_the_latency_named_before_the_upgrade_is_the_one_reserved() -> None:
    async with bench(FakeEngine(slots=8), calibration=TIGHT) as table, AsyncExitStack() as talks:
        for _ in range(4):
            client = await talks.enter_async_context(connected_client(table.url, query="?latency_ms=160"))
            assert (await client.start(latency_ms=160))["type"] == "ready"
        with pytest.raises(aiohttp.WSServerHandshakeError):
            async with connected_client(table.url, query="?latency_ms=160"):
                pass


@pytest.mark.parametrize("hint", ["abc", "-160", "", "90", "1" * 5000, "²"])
async def test_a_latency_that_there_is_not_is_refused_when_it_is_asked_for_and_not_before(hint: str) -> None:
    async with bench(FakeEngine()) as table, connected_client(table.url, query=f"?latency_ms={hint}") as client:
        assert (await client.start())["latency_ms"] == 80


async def test_a_start_that_asks_for_more_than_there_is_time_for_is_refused_as_full() -> None:
    async with bench(FakeEngine(slots=8), calibration=TIGHT) as table, AsyncExitStack() as talks:
        held = [await talks.enter_async_context(connected_client(table.url, query="?latency_ms=160")) for _ in range(4)]
        assert (await held[0].start(latency_ms=80))["type"] == "ready"
        error = (await held[0].rest())[-1]
        assert (error["code"], error["fault"], error["fatal"], held[0].close_code) == (
            "server_full",
            "server",
            True,
            1013,
        )
        assert (await held[1].start(latency_ms=80))["latency_ms"] == 80  # the one that left has made room
        await held[1].send_audio(HELLO)
        await held[1].end()
        assert held[1].text == "one two"


async def test_an_update_that_asks_for_more_than_there_is_time_for_leaves_the_stream_as_it_was() -> None:
    async with bench(FakeEngine(slots=8), calibration=TIGHT) as table, AsyncExitStack() as talks:
        held = [await talks.enter_async_context(connected_client(table.url, query="?latency_ms=160")) for _ in range(4)]
        await held[0].start(latency_ms=160)
        await held[0].send(type="update", latency_ms=80)
        error = await held[0].event("error")
        assert (error["code"], error["fault"], error["fatal"]) == ("server_full", "server", False)
        await held[0].send_audio(HELLO)
        await held[0].end()
        assert (held[0].text, held[0].close_code) == ("one two", 1000)

"""A gateway whose channel to its worker is silent or broken."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from auricle_server.config import ServerConfig
from auricle_server.gateway.http import connections
from auricle_server.gateway.http.server import listening, serve_until, until_ready
from auricle_server.gateway.workers import model_pools, worker_client
from auricle_server.ipc import GatewayChannel, InProcessChannel
from auricle_server.ipc.messages import FromWorker, OpenStream, StreamOpened, ToWorker
from tests.auricle_server.fake_engine import FakeEngine, speech
from tests.auricle_server.gateway.worker_bench import HELLO, Bench
from tests.auricle_server.raw_client import connected_client, transcribed, until


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
    monkeypatch.setattr(model_pools, "BEAT_SECONDS", 0.05)
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


async def test_a_shutdown_settles_what_the_worker_had_said_before_it_fell_silent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connections, "_FLUSH_SECONDS", 0.1)
    table = Bench(FakeEngine())
    table.start(0)
    link = QuietLink(table.links[0])
    async with listening(ServerConfig(port=0, drain_seconds=0), [link]) as (gateway, port):
        await until_ready(gateway, 10)
        async with connected_client(f"ws://127.0.0.1:{port}") as client:
            await client.start(turn={"mode": "off"})
            await client.send_audio(speech("one", "two", "three"))
            while not client.events or client.events[-1].get("text") != "one two three":
                await client.event("interim")
            link.quiet = True
            draining = asyncio.create_task(gateway.drain())
            final, error = await client.rest()
            assert (final["text"], error["code"], client.close_code) == ("one two", "shutting_down", 1012)
            assert final["words"][-1]["end"] <= final["settled"] <= final["audio_time"]
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

"""What a client is told that comes while a worker restarts, and what while the server is full."""

from __future__ import annotations

from contextlib import AsyncExitStack

import aiohttp
import pytest

import auricle
from auricle.protocol.codes import ERROR_HEADER
from tests.auricle_server.fake_engine import FakeEngine, speech
from tests.auricle_server.gateway.worker_bench import HELLO, Bench, bench
from tests.auricle_server.raw_client import connected_client, until


async def refused(table: Bench) -> tuple[str, int]:
    """The code of a refusal, in the body and in the header alike, and its Retry-After."""
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    url = table.url.replace("ws", "http", 1) + "/v1/stream"
    async with aiohttp.ClientSession() as http, http.get(url, headers=upgrade) as answer:
        assert answer.status == 503
        said = await answer.json()
        assert answer.headers[ERROR_HEADER] == f"{said['code']}: {said['message']}"
        return said["code"], int(answer.headers["Retry-After"])


async def test_a_server_without_a_worker_restarts_and_is_not_full() -> None:
    async with bench(FakeEngine()) as table:
        await table.stop(0)
        await table.until_readiness(503)
        assert await refused(table) == ("restarting", 1)
        with pytest.raises(auricle.ServerRestarting) as restarting:
            async with auricle.connect(table.url):
                pass
        assert restarting.value.retry_after == 1


async def test_full_is_what_every_worker_is() -> None:
    async with bench(FakeEngine(slots=1), FakeEngine(slots=1)) as table, AsyncExitStack() as streams:
        for _ in range(2):
            await (await streams.enter_async_context(connected_client(table.url))).start()
        assert await refused(table) == ("server_full", 2)
        await table.stop(0)

        # One worker is full; the slots of the other are free as soon as it is back.
        async def restarts() -> bool:
            return await refused(table) == ("restarting", 1)

        await until(restarts)


async def test_a_call_outlives_a_restart_that_takes_longer_than_its_attempts() -> None:
    policy = auricle.ReconnectPolicy(attempts=1, first_delay=0.01)
    async with bench(FakeEngine()) as table, auricle.connect(table.url, reconnect=policy) as stream:
        await stream.send(speech("three", None))
        await table.stop(0)
        restarting = 0
        await stream.send(HELLO)
        async for event in stream:
            restarting += isinstance(event, auricle.Reconnecting) and isinstance(event.error, auricle.ServerRestarting)
            if restarting == 2:
                break
        table.start(0)
        await stream.end()
        events = [event async for event in stream]
        assert " ".join(e.text for e in events if isinstance(e, auricle.Final) and e.text) == "three one two"

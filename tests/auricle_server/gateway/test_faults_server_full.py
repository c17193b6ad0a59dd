"""A server takes no more streams than it has time for; the refused ones learn it, and the others go on."""

from __future__ import annotations

import json
import re
from contextlib import AsyncExitStack

import aiohttp
import pytest

from auricle_server.gateway.workers import model_pools
from auricle_server.worker.admission import StepCalibration, StepTiming
from tests.auricle_server.fake_engine import FakeEngine
from tests.auricle_server.gateway.worker_bench import HELLO, Bench, bench
from tests.auricle_server.raw_client import connected_client, transcribed, until

TIGHT = StepCalibration(tuple(StepTiming(latency, rows, 0.03 * rows) for latency in (80, 160) for rows in (1, 2, 4)))
"""Time for two streams of 80 ms, or for four of 160 ms."""


async def get(table: Bench, path: str) -> str:
    async with aiohttp.ClientSession() as http, http.get(table.url.replace("ws", "http", 1) + path) as answer:
        assert answer.status == 200
        return await answer.text()


async def test_a_stream_for_which_there_is_no_time_is_refused_before_the_upgrade(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(model_pools, "BEAT_SECONDS", 0.05)
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

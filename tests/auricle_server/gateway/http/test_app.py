"""The HTTP routes: health, readiness and metrics, and what is refused before the upgrade."""

from __future__ import annotations

import asyncio
import re
import time

import aiohttp
import pytest

from tests.auricle_server.fake_engine import FakeEngine
from tests.auricle_server.gateway.conftest import Serve
from tests.auricle_server.gateway.worker_bench import bench
from tests.auricle_server.raw_client import RawClient, connected_client, transcribed, until
from tests.support import tones


async def test_http_answers(url: str) -> None:
    http_url = url.replace("ws://", "http://")
    async with connected_client(url) as client, aiohttp.ClientSession() as http:
        await client.start()
        await client.send_audio(tones.utterance(11, 2, trailing=1.0)[0])
        await client.event("turn_end")
        await client.send(type="finalize", id="f")
        await client.event("final")
        async with http.get(http_url + "/healthz") as answer:
            assert answer.status == 200
        async with http.get(http_url + "/readyz") as answer:
            assert answer.status == 200
            state = await answer.json()
            assert (state["status"], state["streams"], state["slots"]) == ("ready", 1, 6)
        async with http.get(http_url + "/metrics") as answer:
            metrics = await answer.text()
            assert "auricle_streams 1.0" in metrics
            assert "auricle_finalize_seconds_count 1.0" in metrics
            assert answer.headers["Content-Type"].startswith("text/plain")
        async with http.get(http_url + "/v1/stream") as answer:
            assert answer.status == 426


async def hold(url: str, talks: list[RawClient]) -> None:
    async with connected_client(url) as client:
        await client.start()
        talks.append(client)
        await asyncio.Event().wait()


async def test_full_is_full_before_the_upgrade(url: str) -> None:
    talks: list[RawClient] = []
    holders = [asyncio.create_task(hold(url, talks)) for _ in range(6)]
    await until(lambda: len(talks) == 6)
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        async with connected_client(url):
            pass
    assert refused.value.status == 503
    assert refused.value.headers is not None
    assert int(refused.value.headers["Retry-After"]) >= 1
    async with aiohttp.ClientSession() as http, http.get(url.replace("ws", "http", 1) + "/metrics") as answer:
        assert 'auricle_refused_total{code="server_full"} 1.0' in await answer.text()
    holders.pop().cancel()
    audio, text = tones.utterance(11, 2)
    for _ in range(100):
        try:
            assert await transcribed(url, audio) == text
            break
        except aiohttp.WSServerHandshakeError:
            await asyncio.sleep(0.02)
    else:
        pytest.fail("the slot was not given back")
    for holder in holders:
        holder.cancel()


async def test_only_a_key_of_the_server_lets_a_client_connect(serve: Serve) -> None:
    async with serve(api_keys=("one", "two")) as url:
        for headers in ({}, {"Authorization": "Bearer three"}, {"Authorization": "Basic one"}):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                async with connected_client(url, headers=headers):
                    pass
            assert refused.value.status == 401
        async with connected_client(url, headers={"Authorization": "Bearer two"}) as client:
            assert (await client.start())["type"] == "ready"
            await client.end()
        async with aiohttp.ClientSession() as http, http.get(url.replace("ws", "http", 1) + "/readyz") as answer:
            assert answer.status == 200


async def upgrade(url: str, **headers: str) -> tuple[int, dict[str, str]]:
    """Status and refusal of an upgrade request."""
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    key = {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
    address, headers = url.replace("ws", "http", 1), {**upgrade, **key, **headers}
    async with aiohttp.ClientSession() as http, http.get(address, headers=headers) as answer:
        return answer.status, {} if answer.status == 101 else await answer.json()


async def test_a_web_page_of_another_origin_is_refused(serve: Serve) -> None:
    async with serve(allowed_origins=("https://app.example.com",)) as url:
        own = url.replace("ws", "http", 1)
        for path in ("/v1/stream", "/v1/resume"):
            for origin in ("https://evil.example", "null", own.replace("127.0.0.1", "localhost"), "http://127.0.0.1:1"):
                status, refusal = await upgrade(url + path, Origin=origin)
                assert (status, refusal["code"]) == (403, "origin_not_allowed"), origin
            # The page's own name, which stands for this machine since the page was loaded.
            rebound = {"Origin": "http://evil.example:8765", "Host": "evil.example:8765"}
            assert (await upgrade(url + path, **rebound))[0] == 403
        for origin in (own, "https://app.example.com"):
            async with connected_client(url, headers={"Origin": origin}) as client:
                assert (await client.start())["type"] == "ready"
                await client.end()


async def test_metrics_say_when_a_drain_has_given_streams_their_time() -> None:
    async with bench(FakeEngine(), drain_seconds=30) as table, connected_client(table.url) as client:
        assert await drain_ends(table.url) == 0
        await client.start()
        draining = asyncio.create_task(table.gateway.drain())
        await table.until_readiness(503)
        assert 0 < await drain_ends(table.url) - time.time() <= 30
        await client.end()
        await asyncio.wait_for(draining, 5)


async def drain_ends(url: str) -> float:
    async with aiohttp.ClientSession() as http, http.get(url.replace("ws", "http", 1) + "/metrics") as answer:
        [value] = re.findall(r"^auricle_drain_ends_timestamp_seconds (.*)$", await answer.text(), re.MULTILINE)
    return float(value)


async def test_a_proxy_learns_by_a_status_of_its_own_that_no_new_streams_are_taken() -> None:
    async with bench(FakeEngine(slots=1), drain_seconds=30) as table:
        assert await statuses(table.url) == (200, 200)
        async with connected_client(table.url) as client:
            await until(lambda: table.gateway.workers.full)
            assert await statuses(table.url) == (200, 404)
            await client.start()
            draining = asyncio.create_task(table.gateway.drain())
            await table.until_readiness(503)
            assert await statuses(table.url) == (503, 404)
            await client.end()
            await asyncio.wait_for(draining, 5)


async def test_a_server_without_a_worker_is_no_place_for_open_streams_either() -> None:
    async with bench(FakeEngine()) as table:
        await table.stop(0)
        await table.until_readiness(503)
        assert await statuses(table.url) == (503, 503)
        table.start(0)
        await table.until_readiness(200)


async def statuses(url: str) -> tuple[int, int]:
    """Of `/readyz`, and of the same for a proxy that can tell a server for open streams from one that is down."""
    found = []
    async with aiohttp.ClientSession() as http:
        for query in ("", "?no_new=404"):
            async with http.get(url.replace("ws", "http", 1) + "/readyz" + query) as answer:
                found.append(answer.status)
    return found[0], found[1]


async def test_resume_tokens_begin_with_the_name_of_the_server(serve: Serve) -> None:
    async with serve(server_name="auricle-1") as url, connected_client(url) as client:
        ready = await client.start()
        assert ready["resume_token"].startswith("auricle-1.")
        await client.send_audio(bytes(640))
        resume = {"Auricle-Resume": f"{ready['resume_token']} 1"}
        async with connected_client(url, headers=resume) as again:
            assert "held" in await again.start()
            await again.end()

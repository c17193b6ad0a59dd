"""The state of a real server, as an event stream and as JSON."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aiohttp
import pytest
from yarl import URL

import auricle
from auricle_server.gateway.http.routes import status_route
from auricle_server.gateway.http.routes.status_board import MOST_READERS
from tests.auricle_server.gateway.conftest import Serve
from tests.auricle_server.gateway.http.routes.token_client import token_of
from tests.auricle_server.raw_client import connected_client, until
from tests.support import tones

Reading = dict[str, Any]


def status_url(url: str) -> str:
    return f"{url.replace('ws', 'http', 1)}/v1/status"


@asynccontextmanager
async def following(url: str, **headers: str) -> AsyncIterator[AsyncIterator[Reading]]:
    """The readings of a server, one by one."""
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(sock_read=30)) as http,
        http.get(status_url(url), headers=headers) as answer,
    ):
        assert answer.status == 200
        assert answer.content_type == "text/event-stream"
        yield readings(answer.content)


async def readings(content: aiohttp.StreamReader) -> AsyncIterator[Reading]:
    async for line in content:
        if line.startswith(b"data: "):
            yield json.loads(line.removeprefix(b"data: "))


async def until_reading(found: AsyncIterator[Reading], holds: Any) -> Reading:
    """The first model's figures of the first reading for which this holds."""
    async with asyncio.timeout(30):
        async for reading in found:
            if holds(reading["models"][0]):
                model: Reading = reading["models"][0]
                return model
    raise AssertionError("the stream has ended")


async def test_streams_and_what_they_cost_are_told_once_a_second(url: str) -> None:
    async with following(url) as found:
        first = await anext(found)
        assert (first["version"], first["state"]) == (auricle.__version__, "ready")
        (model,) = first["models"]
        assert (model["name"], model["streams"], model["slots"]) == ("tones_en.nemo", 0, 6)
        assert model["step_p50_ms"] is model["finalize_p95_ms"] is None
        async with connected_client(url) as client:
            await client.start(latency_ms=80)
            await client.send_audio(tones.utterance(11, 2)[0])
            await client.send(type="finalize", id="f")
            await client.event("final")
            model = await until_reading(found, lambda model: model["streams"] == 1 and model["step_p50_ms"] is not None)
            assert 0 < model["step_p50_ms"] <= model["step_p95_ms"] <= model["step_p99_ms"]
            assert model["batch_mean"] >= 0.5
            assert model["steps_per_second"] > 0
            model = await until_reading(found, lambda model: model["finalize_p50_ms"] is not None)
            assert 0 < model["finalize_p50_ms"] <= model["finalize_p99_ms"]
            assert [worker["state"] for worker in model["workers"]] == ["ready"]
            assert model["workers"][0]["streams"] == 1
        await until_reading(found, lambda model: model["streams"] == 0)


async def test_refused_and_resumed_streams_are_counted(serve: Serve) -> None:
    async with serve(api_keys=("x" * 40,)) as url:
        token = await token_of(url, "x" * 40)
        async with following(url, Authorization=f"Bearer {token}") as found:
            before = (await anext(found))["models"][0]["refused"]
            with pytest.raises(aiohttp.WSServerHandshakeError):
                async with connected_client(url, headers={"Authorization": f"Bearer {'y' * 40}"}):
                    pass
            model = await until_reading(found, lambda model: model["refused"] == before + 1)
            assert model["resumed"] == 0


async def test_one_reading_is_had_as_json(url: str) -> None:
    async with connected_client(url) as client, aiohttp.ClientSession() as http:
        await client.start(latency_ms=80)
        sending = asyncio.create_task(client.send_audio(b"\0" * 320_000))
        async with http.get(status_url(url), headers={"Accept": "application/json"}) as answer:
            assert answer.content_type == "application/json"
            assert answer.headers["Cache-Control"] == "no-store"
            model = (await answer.json())["models"][0]
        assert model["step_p50_ms"] is not None  # a single look has times, too
        await sending


async def test_head_ends(url: str) -> None:
    async with aiohttp.ClientSession() as http, http.head(status_url(url)) as answer:
        assert (answer.status, answer.content_type) == (200, "text/event-stream")


async def test_a_server_with_keys_tells_its_state_to_keys_and_tokens_alone(serve: Serve) -> None:
    async with serve(api_keys=("x" * 40,)) as url, aiohttp.ClientSession() as http:
        for headers, status in (
            ({}, 401),
            ({"Authorization": "Bearer wrong"}, 401),
            ({"Authorization": f"Bearer {'x' * 40}", "Origin": "https://evil.example"}, 403),
            ({"Authorization": f"Bearer {'x' * 40}"}, 200),
            ({"Authorization": f"Bearer {await token_of(url, 'x' * 40)}"}, 200),
        ):
            async with http.get(status_url(url), headers=headers) as answer:
                assert answer.status == status


async def test_the_stream_ends_when_the_server_drains(serve: Serve) -> None:
    async with AsyncExitStack() as server:
        url = await server.enter_async_context(serve())
        async with following(url) as found:
            await anext(found)
            closing = asyncio.create_task(server.aclose())
            async with asyncio.timeout(30):
                last = [reading["state"] async for reading in found][-1]
            assert last == "draining"
            await closing


async def test_readers_are_bounded_and_those_who_go_leave_their_places(url: str) -> None:
    async with AsyncExitStack() as readers:
        for _ in range(MOST_READERS):
            await anext(await readers.enter_async_context(following(url)))
        assert await refused(url)

    async def free() -> bool:
        return not await refused(url)

    await until(free)


async def refused(url: str) -> bool:
    async with aiohttp.ClientSession() as http, http.get(status_url(url)) as answer:
        assert answer.status in {200, 503}
        return answer.status == 503


async def test_a_reader_that_reads_nothing_is_cut(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(status_route, "SLOW_SECONDS", 0.3)
    monkeypatch.setattr(status_route, "_RETRY_MILLISECONDS", "9" * 8_000_000)  # more than the kernel holds
    async with serve() as url:
        address = URL(url)
        reader, writer = await asyncio.open_connection(address.host, address.port, limit=1024)
        writer.write(b"GET /v1/status HTTP/1.1\r\nHost: a\r\n\r\n")
        await asyncio.sleep(1.5)
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            async with asyncio.timeout(30):
                await reader.readexactly(8_000_000)
        writer.close()
    assert "Traceback" not in caplog.text

"""Opening a connection: every way in which a server can be missing or unwilling."""

from __future__ import annotations

import asyncio

import pytest

import auricle
from auricle import (
    AuricleError,
    ConnectionFailed,
    Refused,
    ServerFull,
    ServerRestarting,
    StreamFailed,
)
from tests.support.bursts import START, burst_server
from tests.support.scripted.script import Refusal
from tests.support.scripted_server import client_tasks


async def refusal(url: str, timeout: float = 5.0) -> AuricleError:
    tasks = client_tasks()
    with pytest.raises(AuricleError) as caught:
        async with auricle.connect(url, start=START, connect_timeout=timeout):
            pass
    assert client_tasks() == tasks
    return caught.value


async def test_no_server() -> None:
    async with burst_server() as server:
        await server.stop_listening()
        error = await refusal(server.url)
    assert isinstance(error, ConnectionFailed)
    assert error.reason == "unreachable"


@pytest.mark.parametrize("status", [401, 403, 404, 426])
async def test_a_server_that_will_not_have_us(status: int) -> None:
    async with burst_server() as server:
        server.refusals.append(Refusal(status))
        error = await refusal(server.url)
    assert isinstance(error, Refused)
    assert error.status == status


@pytest.mark.parametrize(("header", "seconds"), [("7", 7.0), (None, None), ("Wed, 21 Oct 2026 07:28:00 GMT", None)])
@pytest.mark.parametrize("status", [429, 503])
async def test_a_full_server(status: int, header: str | None, seconds: float | None) -> None:
    async with burst_server() as server:
        server.refusals.append(Refusal(status, header))
        error = await refusal(server.url)
    assert isinstance(error, ServerFull)
    assert error.retry_after == seconds


@pytest.mark.parametrize("code", ["restarting", "shutting_down"])
async def test_a_server_that_restarts_is_not_full(code: str) -> None:
    async with burst_server() as server:
        server.refusals.append(Refusal(503, "1", f"{code}: the worker restarts: wait"))
        error = await refusal(server.url)
    assert isinstance(error, ServerRestarting)
    assert (error.code, error.retry_after, str(error)) == (code, 1.0, "the worker restarts: wait")


@pytest.mark.parametrize(
    ("status", "sent", "told"),
    [
        (503, "server_full: no time for a stream of 80 ms", "no time for a stream of 80 ms"),
        (503, "internal: the worker failed", "the worker failed"),
        (429, "too_many_streams: this key has 3 streams", "this key has 3 streams"),
        (403, "origin_not_allowed: https://a.example", "https://a.example"),
        (503, None, "no server takes the stream now (HTTP 503)"),
        (503, "server_full: " + "x" * 4000, "x" * 200),
    ],
)
async def test_an_error_gives_the_servers_own_reason(status: int, sent: str | None, told: str) -> None:
    async with burst_server() as server:
        server.refusals.append(Refusal(status, None, sent))
        error = await refusal(server.url)
    assert isinstance(error, Refused if status == 403 else ServerFull)
    assert told in str(error)
    assert "free slot" not in str(error)
    assert len(str(error)) < 400


@pytest.mark.parametrize("status", [200, 500, 502])
async def test_a_server_that_speaks_no_websocket(status: int) -> None:
    async with burst_server() as server:
        server.refusals.append(Refusal(status))
        error = await refusal(server.url)
    assert isinstance(error, ConnectionFailed)
    assert error.reason == "unreachable"


async def test_a_server_that_never_gets_ready() -> None:
    async with burst_server() as server:
        server.answering.clear()
        error = await refusal(server.url, timeout=0.2)
    assert isinstance(error, ConnectionFailed)
    assert error.reason == "timeout"


async def test_a_server_that_never_shakes_hands() -> None:
    writers: list[asyncio.StreamWriter] = []
    silent = await asyncio.start_server(lambda _, writer: writers.append(writer), "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    error = await refusal(f"ws://127.0.0.1:{port}", timeout=0.2)
    silent.close()
    for writer in writers:
        writer.close()
        await writer.wait_closed()
    assert isinstance(error, ConnectionFailed)
    assert error.reason == "timeout"


@pytest.mark.parametrize(
    ("code", "kind"),
    [("unsupported_latency", StreamFailed), ("server_full", ServerFull), ("unauthorized", Refused)],
)
async def test_a_start_that_a_server_cannot_follow(code: str, kind: type[AuricleError]) -> None:
    async with burst_server(failures=[(code, "as the test wishes")]) as server:
        assert isinstance(await refusal(server.url), kind)


def test_what_is_no_address_is_the_callers_mistake() -> None:
    with pytest.raises(ValueError, match="expected an address"):
        auricle.AuricleClient("localhost:8765")

"""What a line of the access log shows of a request, and what it never shows."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import make_mocked_request

from auricle_server.gateway.listening.access_log import CLIENT_GONE, context_of, shown_path
from tests.auricle_server.gateway.conftest import Serve
from tests.auricle_server.raw_client import until


def fields(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [each.__dict__["context"] for each in caplog.records if each.name == "auricle_server.access"]


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("/v1/stream", "/v1/stream"),
        ("/v1/stream?latency_ms=80", "/v1/stream?latency_ms=80"),
        ("/v1/listen?model=nova-3&language=en-US&keyterm=Alice", "/v1/listen?model=nova-3&language=en-US&..."),
        ("/v1/listen?token=secret", "/v1/listen?..."),
        ("/v1/listen?secret", "/v1/listen?..."),
        ("/v1/listen?model=a%0Asecret", "/v1/listen?..."),
        ("/v1/listen?model=" + "x" * 200, "/v1/listen?..."),
        ("/a%0d%0ab%1b[31m", "/a%0D%0Ab%1B%5B31m"),
        ("/" + "x" * 5000, "/" + "x" * 199),
        ("/v1/listen?" + "model=a&" * 500, "/v1/listen?" + "&".join(["model=a"] * 20)),
    ],
    ids=range(10),
)
def test_only_settings_are_shown_of_a_query(asked: str, shown: str) -> None:
    assert shown_path(make_mocked_request("GET", asked)) == shown


def test_the_context_of_a_request_holds_what_its_headers_say_of_a_trace() -> None:
    request = make_mocked_request("GET", "/v1/stream?traceparent=page", headers={"traceparent": "header"})
    context = context_of(request)
    assert (context.method, context.path, context.trace_headers) == ("GET", "/v1/stream", {"traceparent": "header"})
    assert context_of(make_mocked_request("GET", "/?traceparent=page")).trace_headers == {"traceparent": "page"}


async def raw(url: str, request: bytes) -> bytes:
    host, port = url.removeprefix("ws://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request)
    answer = await asyncio.wait_for(reader.read(), 30)
    writer.close()
    return answer


async def test_every_request_gets_a_line_whatever_it_is(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with serve() as url:
        for request in (
            b"GET /v1/stream HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
            b"PUT /v1/stream HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
            b"POST /v1/x HTTP/1.1\r\nHost: x\r\nExpect: secrets\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            b"NO SUCH HTTP\r\n\r\n",
        ):
            assert await raw(url, request)
        await until(lambda: len(fields(caplog)) == 4)
    assert [(line["method"], line["status"]) for line in fields(caplog)[:3]] == [
        ("GET", 426),
        ("PUT", 405),
        ("POST", 417),
    ]
    assert fields(caplog)[3]["status"] == 400
    assert "secrets" not in caplog.text


async def test_a_client_that_goes_before_its_answer_has_a_line(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with serve() as url:
        host, port = url.removeprefix("ws://").split(":")
        _, writer = await asyncio.open_connection(host, int(port))
        line = b"POST /v1/audio/transcriptions HTTP/1.1\r\n"
        writer.write(line + b"Host: x\r\nContent-Type: audio/wav\r\nContent-Length: 9999\r\n\r\nRIFF")
        await writer.drain()
        await asyncio.sleep(0.2)
        writer.transport.abort()
        await until(lambda: bool(fields(caplog)))
    assert fields(caplog)[0]["path"] == "/v1/audio/transcriptions"
    assert fields(caplog)[0]["status"] in {CLIENT_GONE, 400}


async def test_probes_are_lines_at_debug_only(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with serve() as url, aiohttp.ClientSession(url.replace("ws", "http", 1)) as http:
        for path in ("/healthz", "/readyz", "/metrics"):
            await (await http.get(path)).read()
        await until(lambda: len(fields(caplog)) == 3)
    levels = {record.levelno for record in caplog.records if record.name == "auricle_server.access"}
    assert levels == {logging.DEBUG}

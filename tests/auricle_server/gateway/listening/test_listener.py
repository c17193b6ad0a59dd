"""Connections that send no request, against a real server: they take nothing from those that do."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from tests.auricle_server.gateway.conftest import Serve
from tests.auricle_server.raw_client import connected_client, transcribed, until
from tests.support import tones

HALF = b"GET /v1/stream HTT"
WAIT = 10.0
"""Far longer than anything here takes, on a busy machine too."""


class Raw:
    """A plain TCP connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def rest(self) -> bytes:
        """Everything up to the end of the connection; what a reset has swallowed is missing."""
        try:
            return await asyncio.wait_for(self.reader.read(), WAIT)
        except ConnectionError:
            return b""


@asynccontextmanager
async def raw(url: str, data: bytes = b"") -> AsyncIterator[Raw]:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
    writer.write(data)
    try:
        yield Raw(reader, writer)
    finally:
        writer.transport.abort()


async def get(url: str, path: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as http, http.get(url.replace("ws", "http", 1) + path) as answer:
        return answer.status, await answer.text()


async def metric(url: str, name: str) -> float:
    found = re.search(rf"^{re.escape(name)} (\S+)$", (await get(url, "/metrics"))[1], re.MULTILINE)
    return float(found[1]) if found else 0.0


async def test_half_a_request_is_answered_in_words_when_its_time_is_up(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    async with serve(header_seconds=0.5) as url, raw(url, HALF) as half:
        head, _, body = (await half.rest()).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 408 ")
        assert b"Connection: close" in head
        assert json.loads(body)["code"] == "request_timeout"
        assert "0.5 s" in json.loads(body)["message"]
        assert await metric(url, 'auricle_connections_closed_total{reason="slow"}') == 1
        assert any("reason=slow" in line and "127.0.0.1" in line for line in caplog.messages)


async def test_bytes_that_drip_in_win_no_time(serve: Serve) -> None:
    async with serve(header_seconds=0.5) as url, raw(url) as slow:

        async def drip() -> None:
            for byte in HALF + b"P/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 1000:
                slow.writer.write(bytes([byte]))
                await asyncio.sleep(0.05)

        dripping = asyncio.create_task(drip())
        assert (await slow.rest())[:12] in {b"HTTP/1.1 408", b""}
        assert not dripping.done()
        dripping.cancel()


async def test_silence_before_the_first_request_and_between_two_ends_too(serve: Serve) -> None:
    request = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
    async with serve(header_seconds=0.5) as url, raw(url) as silent, raw(url, request) as idle:
        assert await silent.rest() == b""
        answer = await idle.rest()
        assert answer.startswith(b"HTTP/1.1 200")
        assert b"408" not in answer
        async with raw(url, request) as again:  # a connection may be used again, each time for so long
            for _ in range(4):
                await asyncio.wait_for(again.reader.readuntil(b"}"), WAIT)
                await asyncio.sleep(0.3)
                again.writer.write(request)
            assert (await again.rest()).startswith(b"HTTP/1.1 200")


async def test_a_client_that_does_not_read_its_answer_is_cut(serve: Serve) -> None:
    async with serve(header_seconds=0.5) as url, raw(url) as deaf:
        deaf.reader._transport.pause_reading()  # type: ignore[attr-defined]

        async def ask() -> None:
            while True:  # until the buffers of both ends are full
                deaf.writer.write(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n" * 20)
                await asyncio.wait_for(deaf.writer.drain(), WAIT)
                await asyncio.sleep(0.01)

        with pytest.raises(ConnectionError):
            await ask()
        assert await metric(url, "auricle_connections_waiting") == 0


async def test_however_many_half_requests_there_are_others_get_in(serve: Serve) -> None:
    audio, text = tones.utterance(11, 2)
    async with serve(max_connections_per_address=8) as url:
        async with connected_client(url) as client:
            await client.start()
            halves = [await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2])) for _ in range(60)]
            for _, writer in halves:
                writer.write(HALF)
            assert (await get(url, "/healthz"))[0] == 200
            assert await transcribed(url, audio) == text
            assert await metric(url, "auricle_connections_waiting") <= 8
            assert await metric(url, 'auricle_connections_closed_total{reason="crowded_address"}') >= 52
            await client.send_audio(audio)
            await client.end()
            assert client.text == text
        for _, writer in halves:
            writer.transport.abort()


async def test_the_bound_on_all_connections_holds_as_well(serve: Serve) -> None:
    async with serve(max_connections=2) as url, raw(url, HALF) as first, raw(url, HALF), raw(url, HALF):
        assert await first.rest() == b""
        assert (await get(url, "/healthz"))[0] == 200
        assert await metric(url, 'auricle_connections_closed_total{reason="crowded"}') >= 1


async def test_a_stream_is_no_pending_connection(serve: Serve) -> None:
    bounds = {"max_connections": 1, "max_connections_per_address": 1}
    async with serve(header_seconds=0.3, **bounds) as url, connected_client(url) as one, connected_client(url) as two:
        await one.start()
        await two.start()
        await asyncio.sleep(0.6)
        for client in (one, two):
            await client.end()
            assert client.close_code == 1000


async def test_headers_without_end_are_refused(serve: Serve) -> None:
    async with serve() as url, raw(url, b"GET /healthz HTTP/1.1\r\n") as large:
        for number in range(100):
            large.writer.write(b"X-%d: %s\r\n" % (number, b"y" * 1000))
            await asyncio.sleep(0)
        assert (await large.rest())[:12] in {b"HTTP/1.1 431", b""}  # a reset may swallow the answer

        async def counted() -> bool:
            return await metric(url, 'auricle_connections_closed_total{reason="large"}') == 1

        await until(counted)


NO_HTTP = {
    "garbage": b"garbage\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(64)),
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a header without a colon": b"GET / HTTP/1.1\r\nHost: a\r\nbad header\r\n\r\n",
    "two lengths": b"GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
    "a bad chunk": b"POST /healthz HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "a bad chunk later": b"POST /healthz HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n",
    "an address that is none": b"GET http://[::1 HTTP/1.1\r\nHost: a\r\n\r\n",
    "a line of 9 kB": b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n",
    "200 headers": b"GET / HTTP/1.1\r\n" + b"".join(b"A%d: b\r\n" % n for n in range(200)) + b"\r\n",
    "a version of WebSocket": b"GET /v1/stream HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 99\r\nSec-WebSocket-Key: x\r\n\r\n",
    "an unknown method": b"BREW /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
    "bytes in a header": b"GET /v1/stream HTTP/1.1\r\nHost: \xff\r\nAuricle-Resume: \xff \xff\r\nOrigin: \xff\r\n\r\n",
    "an expectation": b"GET /healthz HTTP/1.1\r\nHost: a\r\nExpect: " + b"secret" * 500 + b"\r\n\r\n",
    "an expectation elsewhere": b"GET /nowhere HTTP/1.1\r\nHost: a\r\nExpect: secret\xff\r\n\r\n",
    "an expectation of a method": b"BIND /healthz HTTP/1.1\r\nHost: a\r\nExpect: secret\xff\r\n\r\n",
    "a body that does not come": b"POST /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n{",
}


@pytest.mark.parametrize("name", NO_HTTP)
async def test_what_is_no_request_costs_one_line_and_tells_no_version(
    serve: Serve, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    async with serve(header_seconds=0.5) as url, raw(url, NO_HTTP[name]) as connection:
        if name == "a bad chunk later":
            await asyncio.sleep(0.05)
            connection.writer.write(b"zz\r\n")
        answer = await connection.rest()
        assert re.match(rb"HTTP/1\.[01] 4\d\d ", answer), answer
        assert re.findall(rb"Server: *([^\r]*)", answer) == [b"auricle"]
        assert len(answer) < 600
        assert b"secret" not in answer
        assert (await get(url, "/healthz"))[0] == 200
    assert [record for record in caplog.records if record.exc_info] == []
    assert "Traceback" not in caplog.text


async def test_a_client_that_goes_before_its_answer_is_no_fault_of_the_server(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    upgrade = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    upgrade += b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    async with serve() as url:
        for extra in (b"", b"Expect: 100-continue\r\n", upgrade):
            for path in (b"/metrics", b"/v1/stream", b"/nowhere"):
                for _ in range(5):
                    async with raw(url, b"GET %s HTTP/1.1\r\nHost: a\r\n%s\r\n" % (path, extra)) as hasty:
                        hasty.writer.write_eof()
        assert (await get(url, "/healthz"))[0] == 200
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/v1/stream", "/v1/resume", "/nowhere"])
async def test_no_answer_tells_versions(url: str, path: str) -> None:
    async with aiohttp.ClientSession() as http, http.get(url.replace("ws", "http", 1) + path) as answer:
        assert answer.headers["Server"] == "auricle"
    async with connected_client(url) as client:
        assert client.socket._response.headers["Server"] == "auricle"

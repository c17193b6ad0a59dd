"""The server's WebSocket, over a real connection: a bad frame is noted first, answered second, closed last."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestServer

from auricle_server.gateway.http import socket as module
from auricle_server.gateway.http.socket import Socket

LIMIT = 100
Client = aiohttp.ClientWebSocketResponse


class Peer:
    """A connection of which both ends are here.

    Attributes:
        client: The client's end.
        socket: The server's end, once a message has come.
        received: What the server has received: type, and the fault at that time.
    """

    def __init__(self, answer: str, code: int) -> None:
        self.client: Client
        self.socket = Socket(LIMIT)
        self.received: list[tuple[WSMsgType, int | None]] = []
        self.finished = asyncio.Event()
        self._answer, self._code = answer, code

    async def serve(self, request: web.Request) -> Socket:
        await self.socket.prepare(request)
        message = await self.socket.receive()
        self.received.append((message.type, self.socket.fault))
        await self.socket.send_str(self._answer)
        await self.socket.finish(request, self._code)
        self.finished.set()
        return self.socket


@asynccontextmanager
async def connected(answer: str = "answer", code: int = 1007) -> AsyncIterator[Peer]:
    peer = Peer(answer, code)
    app = web.Application()
    app.router.add_get("/", peer.serve)
    async with TestServer(app) as server, aiohttp.ClientSession() as http, http.ws_connect(server.make_url("/")) as one:
        peer.client = one
        yield peer


async def test_one_close_frame_is_sent_though_the_client_leaves_closing_to_the_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """RFC 6455, section 7.1.1: the server closes TCP; section 5.5.1: after a close frame it sends nothing more."""
    monkeypatch.setattr(module, "_LINGER_SECONDS", 0.1)
    peer = Peer("answer", 1007)
    app = web.Application()
    app.router.add_get("/", peer.serve)
    async with TestServer(app) as server:
        reader, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(
            b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        writer.write(b"\x81\x81" + bytes(4) + b"\xff")  # a text of one byte that is no UTF-8
        await reader.readuntil(b"\r\n\r\n")
        async with asyncio.timeout(10):
            assert await reader.read() == b"\x81\x06answer" + b"\x88\x02" + (1007).to_bytes(2, "big")
        writer.close()


@pytest.mark.parametrize(
    ("data", "kind", "fault"),
    [
        (b"\xff\xfe", WSMsgType.TEXT, 1007),
        (bytes(LIMIT + 1), WSMsgType.BINARY, 1009),
        (bytes(20_000_000), WSMsgType.BINARY, 1009),
        (bytes(126), WSMsgType.PING, 1002),  # a control frame has at most 125 bytes (RFC 6455, 5.5)
    ],
)
async def test_after_a_bad_frame_the_client_still_reads_the_reason_and_the_code(
    data: bytes, kind: WSMsgType, fault: int
) -> None:
    async with connected(code=fault) as peer:
        await peer.client.send_frame(data, kind)
        assert await peer.client.receive_str(timeout=5) == "answer"
        assert (await peer.client.receive(timeout=5)).type is WSMsgType.CLOSE
        assert peer.client.close_code == fault
        assert peer.received == [(WSMsgType.ERROR, fault)]


async def test_a_message_of_just_the_limit_is_no_fault() -> None:
    async with connected(code=1000) as peer:
        await peer.client.send_bytes(bytes(LIMIT))
        assert await peer.client.receive_str(timeout=5) == "answer"
        assert (await peer.client.receive(timeout=5)).type is WSMsgType.CLOSE
        assert (peer.received, peer.client.close_code) == ([(WSMsgType.BINARY, None)], 1000)


async def test_pings_reach_the_server_and_nothing_is_compressed() -> None:
    async with connected() as peer:
        await peer.client.ping(b"now")
        await peer.client.receive_str(timeout=5)
        assert peer.received == [(WSMsgType.PING, None)]
        assert peer.socket.compress in (False, 0)


async def test_a_client_that_does_not_close_is_waited_for_only_a_little(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LINGER_SECONDS", 0.1)
    async with connected() as peer:
        began = time.monotonic()
        await peer.client.send_frame(b"\xff", WSMsgType.TEXT)
        await asyncio.wait_for(peer.finished.wait(), 5)  # the client has read nothing and closed nothing
        assert 0.1 <= time.monotonic() - began < 2


async def test_the_key_of_a_browser_is_not_logged(url: str, caplog: pytest.LogCaptureFixture) -> None:
    for path in ("/v1/stream", "/v1/realtime?intent=transcription"):
        async with aiohttp.ClientSession() as http:
            await (await http.ws_connect(url + path, protocols=("other", "openai-insecure-api-key.secret"))).close()
    assert "secret" not in caplog.text

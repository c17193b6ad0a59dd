from __future__ import annotations

import asyncio

from aiohttp import WSMsgType, web

from auricle_server.bench.server.fast_websocket import FastWebSocket, audio_frame


async def test_it_talks_to_aiohttps_websocket_server() -> None:
    heard: list[tuple[WSMsgType, object]] = []

    async def handler(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        for size in (10, 1000, 100_000):
            await socket.send_str("x" * size)
        await socket.ping(b"?")
        async for message in socket:
            heard.append((message.type, message.data))
            if message.data == "bye":
                await socket.close(code=1000)
        return socket

    texts, codes, opened = list[int](), list[int](), asyncio.Event()
    over = asyncio.Event()

    def closed(code: int) -> None:
        codes.append(code)
        over.set()

    async with serving(handler) as port:
        wire = FastWebSocket("127.0.0.1", port, opened.set, lambda text: texts.append(len(text)), closed)
        wire.send_audio(audio_frame(b"early"))  # before there is a connection: kept, and sent in order
        await asyncio.get_running_loop().create_connection(lambda: wire, "127.0.0.1", port)
        await asyncio.wait_for(opened.wait(), 5)
        wire.send_audio(audio_frame(bytes(range(256)) * 3))
        wire.send_text("bye")
        await asyncio.wait_for(over.wait(), 5)
    assert texts == [10, 1000, 100_000]
    assert codes == [1000]
    assert heard == [
        (WSMsgType.BINARY, b"early"),
        (WSMsgType.BINARY, bytes(range(256)) * 3),
        (WSMsgType.TEXT, "bye"),
    ]


async def test_a_refusal_is_reported_by_its_status() -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(status=503)

    code = asyncio.get_running_loop().create_future()
    async with serving(handler) as port:
        wire = FastWebSocket("127.0.0.1", port, lambda: None, lambda _: None, code.set_result)
        await asyncio.get_running_loop().create_connection(lambda: wire, "127.0.0.1", port)
        assert await asyncio.wait_for(code, 5) == 503


class serving:  # noqa: N801 - reads like the context manager it is
    """An aiohttp server with one handler, for a block."""

    def __init__(self, handler: object) -> None:
        app = web.Application()
        app.router.add_get("/v1/stream", handler)  # type: ignore[arg-type]
        self._runner = web.AppRunner(app)

    async def __aenter__(self) -> int:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port: int = self._runner.addresses[0][1]
        return port

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

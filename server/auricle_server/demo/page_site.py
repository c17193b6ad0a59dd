"""The demo's page: its files, its events and its buttons, on a free port of loopback."""

from __future__ import annotations

import asyncio
import io
import json
import wave
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

from aiohttp import web

from auricle_server.demo.event_log import EventLog
from auricle_server.demo.programme import SAMPLE_RATE, Programme
from auricle_server.gateway.console.console_routes import HEADERS, PAGE_FOLDER
from auricle_server.gateway.console.static_files import StaticFiles

LEAVE_SECONDS = 5.0
"""Seconds without a page after which it counts as closed; one that is loaded anew comes back within them."""
_PING_SECONDS = 2.0
_OWN_FOLDER = Path(__file__).parent / "page"

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class PageSite:
    """Serves the page.

    Args:
        log: What the page is told.
        programme: Its sound can be listened to.

    Attributes:
        wanted: Set when a performance is asked for: by the first page that opens, and by its button.
        ended: Set when the user has ended the demo, or closed the page.
        url: Of the page, while it is served.
    """

    def __init__(self, log: EventLog, programme: Programme) -> None:
        self.wanted = asyncio.Event()
        self.ended = asyncio.Event()
        self.url = ""
        self._log = log
        self._sound = _wav(programme)
        self._files = StaticFiles((("page/", _OWN_FOLDER), ("console/", PAGE_FOLDER)))
        self._opened = False

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Serves for the length of a block."""
        runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
            yield
        finally:
            self.ended.set()
            await runner.cleanup()

    def _application(self) -> web.Application:
        app = web.Application(middlewares=[self._check_host])
        app.router.add_get("/demo/events", self._events)
        app.router.add_get("/demo/sound.wav", self._play_sound)
        app.router.add_post("/demo/play", self._play)
        app.router.add_post("/demo/end", self._end)
        app.router.add_get("/{name:.*}", self._file)
        return app

    @web.middleware
    async def _check_host(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        """Other web pages cannot use this one, not even under a name of theirs that leads to loopback."""
        own = self.url.rstrip("/")
        here = f"http://{request.host}" == own
        if not here or request.headers.get("Origin", own) != own:
            return web.Response(status=403, text=f"this page is at {self.url}\n", headers=HEADERS)
        return await handler(request)

    async def _file(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"] or "page/demo.html"
        if name not in self._files:
            return web.Response(status=404, text="there is no such file\n", headers=HEADERS)
        file = await asyncio.to_thread(self._files.read, name)
        return web.Response(body=file.body, headers={**HEADERS, "Content-Type": file.media_type})

    async def _play_sound(self, _: web.Request) -> web.StreamResponse:
        return web.Response(body=self._sound, headers={**HEADERS, "Content-Type": "audio/wav"})

    async def _play(self, _: web.Request) -> web.StreamResponse:
        self.wanted.set()
        return web.Response(status=204, headers=HEADERS)

    async def _end(self, _: web.Request) -> web.StreamResponse:
        self.ended.set()
        return web.Response(status=204, headers=HEADERS)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        """Everything that the page is told, as an event stream."""
        response = web.StreamResponse(headers={**HEADERS, "Content-Type": "text/event-stream"})
        await response.prepare(request)
        if not self._opened:
            self._opened = True
            self.wanted.set()
        try:
            async with aclosing(self._log.follow(_PING_SECONDS)) as events:
                async for event in events:
                    # A ping shows whether the page is still there.
                    text = ": ping\n\n" if event is None else f"data: {json.dumps(event)}\n\n"
                    await response.write(text.encode())
        except ConnectionResetError:
            pass  # the page was closed, or is loaded anew
        finally:
            asyncio.get_running_loop().call_later(LEAVE_SECONDS, self._notice_leaving)
        return response

    def _notice_leaving(self) -> None:
        if self._log.readers == 0:
            self.ended.set()


def _wav(programme: Programme) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(programme.pcm)
    return buffer.getvalue()

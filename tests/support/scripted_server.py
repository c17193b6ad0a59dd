"""A server on the loopback that speaks the native protocol, and does what a test wants.

With a recogniser it answers audio by itself and misbehaves as told; without one the test sends the events, by the
`Session` of each connection.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self

from aiohttp import web

from auricle.protocol import (
    ClientInput,
)
from auricle.protocol.codes import ERROR_HEADER
from tests.support.scripted.script import PATIENCE, Refusal, Script
from tests.support.scripted.session import Session


def client_tasks() -> set[asyncio.Task[object]]:
    """All tasks of the loop but those with which servers here serve a connection."""
    tasks = asyncio.all_tasks()
    return {task for task in tasks if "RequestHandler" not in getattr(task.get_coro(), "__qualname__", "")}


@dataclass
class ScriptedServer(Script):
    """What clients do is recorded; what goes wrong is used up, one item a connection.

    Attributes:
        port: Where it listens; 0 takes a free one.
        url: Its address.
        sessions: Of all connections, in order.
        headers: Of all upgrade requests.
        peers: The client's end of the TCP connection of each request.
        refused: How many upgrade requests were refused.
        open_sockets: How many WebSockets are open.
        closed_sockets: How many were open before.
    """

    port: int = 0
    url: str = ""
    sessions: list[Session] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    peers: list[object] = field(default_factory=list)
    refused: int = 0
    open_sockets: int = 0
    closed_sockets: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._opened: asyncio.Queue[Session] = asyncio.Queue()

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/v1/stream", self._stream)
        app.router.add_get("/healthz", self._health)
        app.router.add_get("/readyz", self._readiness)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        await self.listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.released.set()
        self.answering.set()
        await self._runner.cleanup()

    async def listen(self) -> None:
        """Accepts connections, also again after `stop_listening`."""
        self._site = web.TCPSite(self._runner, "127.0.0.1", self.port, ssl_context=self.tls)
        await self._site.start()
        host, self.port = self._runner.addresses[0][:2]
        self.url = f"{'wss' if self.tls else 'ws'}://{host}:{self.port}"

    async def stop_listening(self) -> None:
        """Accepts no more connections, until `listen`."""
        await self._site.stop()

    # --- what clients did --------------------------------------------------------------------------------------------

    @property
    def received(self) -> list[ClientInput]:
        """What came on all connections, one connection after the other."""
        return [item for session in self.sessions for item in session.received]

    @property
    def audio_bytes(self) -> int:
        """Bytes of audio that came on all connections."""
        return sum(len(session.audio) for session in self.sessions)

    async def session(self) -> Session:
        """The next stream that was opened and that no call has returned yet; waits for it."""
        async with asyncio.timeout(PATIENCE):
            return await self._opened.get()

    @property
    def waiting_sessions(self) -> int:
        """Streams opened that no call of `session` has returned yet."""
        return self._opened.qsize()

    async def until_deserted(self) -> None:
        """Waits until no connection is left."""
        await self.until(lambda: not self.open_sockets)

    def cut(self) -> None:
        """Breaks every connection that is open now."""
        for session in self.sessions:
            session.cut()

    # --- serving -----------------------------------------------------------------------------------------------------

    async def _health(self, request: web.Request) -> web.Response:
        self._note(request)
        return web.json_response({"status": "ok"})

    async def _readiness(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "ready", "model": self.ready.model})

    def _note(self, request: web.Request) -> None:
        self.peers.append(request.transport.get_extra_info("peername") if request.transport else None)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        self._note(request)
        self.headers.append(dict(request.headers))
        if self.refusals:
            return await self._refuse(self.refusals.pop(0))
        if self.key is not None and request.headers.get("Authorization") != f"Bearer {self.key}":
            return await self._refuse(Refusal(401))
        socket = web.WebSocketResponse(max_msg_size=self.ready.limits.message_bytes)
        await socket.prepare(request)
        session = Session(self, self._opened.put_nowait, socket, request)
        self.sessions.append(session)
        self.open_sockets += 1
        await self.notify()
        try:
            with suppress(ConnectionError):  # a client may leave while it is being sent something
                await session.run()
        finally:
            self.open_sockets -= 1
            self.closed_sockets += 1
            await self.notify()
        return socket

    async def _refuse(self, refused: Refusal) -> web.Response:
        self.refused += 1
        await self.notify()
        headers = {"Retry-After": refused.retry_after, ERROR_HEADER: refused.error}
        given = {name: value for name, value in headers.items() if value is not None}
        return web.Response(status=refused.status, headers=given)

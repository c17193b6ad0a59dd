"""Real servers on the loopback for the client's tests: one that speaks the protocol, one that cuts connections."""

from __future__ import annotations

import asyncio
import random
import ssl
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Literal, Self

from aiohttp import web

from auricle.protocol import (
    AudioReceived,
    ClientInput,
    End,
    Finalize,
    ProtocolViolation,
    ServerConnection,
    ServerEvent,
    Start,
    Update,
)
from tests.auricle.recogniser import LIMITS, Recogniser, ready
from tests.support.server_errors import failure, refusal


def client_tasks() -> set[asyncio.Task[object]]:
    """All tasks of the loop but those of the servers here."""
    tasks = asyncio.all_tasks()
    return {task for task in tasks if "RequestHandler" not in getattr(task.get_coro(), "__qualname__", "")}


@dataclass(frozen=True)
class Fault:
    """What goes wrong on one connection, after so many messages of the client (the `Start` is the first)."""

    kind: Literal["abort", "stall", "close", "fail", "garbage"]
    after: int = 1
    code: str = "internal"
    close_code: int = 1011


@dataclass
class ScriptedServer:
    """An Auricle server with a `Recogniser` in it; faults and refusals are used up one per connection."""

    tls: ssl.SSLContext | None = None
    key: str | None = None
    tells_settled: bool = False
    refusals: deque[tuple[int, Mapping[str, str]]] = field(default_factory=deque)
    faults: deque[Fault] = field(default_factory=deque)
    refused_updates: frozenset[str] = frozenset()
    refused_start: str | None = None
    takes_keyterms: bool = True
    keyterms_refused: str = "unsupported_keyterms"
    mute: bool = False
    starts: list[Start] = field(default_factory=list)
    said: list[list[ClientInput]] = field(default_factory=list)
    open_sockets: int = 0
    audio_bytes: int = 0
    finished: int = 0
    released: asyncio.Event = field(default_factory=asyncio.Event)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    url: str = ""
    _transports: set[asyncio.Transport] = field(default_factory=set)

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/v1/stream", self._stream)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await self.listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.released.set()
        await self._runner.cleanup()

    async def listen(self, port: int = 0) -> None:
        self._site = web.TCPSite(self._runner, "127.0.0.1", port, ssl_context=self.tls)
        await self._site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"{'wss' if self.tls else 'ws'}://{host}:{port}"

    async def hang_up(self) -> None:
        """Takes no more connections; `listen` on the same port takes them again."""
        await self._site.stop()

    def cut(self) -> None:
        """Breaks every connection that is open now."""
        for transport in self._transports:
            transport.abort()

    async def until(self, what: str, count: int) -> None:
        """Waits until the list or number named `what` has reached `count`."""
        async with self.changed:
            await self.changed.wait_for(lambda: self._size(what) == count)

    def _size(self, what: str) -> int:
        value = getattr(self, what)
        return value if isinstance(value, int) else len(value)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        if self.refusals:
            status, headers = self.refusals.popleft()
            return web.Response(status=status, headers=headers)
        if self.key is not None and request.headers.get("Authorization") != f"Bearer {self.key}":
            return web.Response(status=401)
        websocket = web.WebSocketResponse(max_msg_size=LIMITS.message_bytes)
        await websocket.prepare(request)
        assert request.transport is not None
        transport, conversation = request.transport, _Conversation(self, websocket, request.transport)
        self._transports.add(transport)
        await self._note(sockets=1)
        try:
            await conversation.run()
        finally:
            self._transports.remove(transport)
            await self._note(sockets=-1)
        return websocket

    async def _note(self, sockets: int = 0) -> None:
        async with self.changed:
            self.open_sockets += sockets
            self.changed.notify_all()


class _Conversation:
    def __init__(self, server: ScriptedServer, websocket: web.WebSocketResponse, transport: asyncio.Transport) -> None:
        self._server = server
        self._websocket = websocket
        self._transport = transport
        self._connection = ServerConnection(LIMITS.message_bytes)
        self._fault = server.faults.popleft() if server.faults else None
        self._received = 0
        self._broken = False
        self._said: list[ClientInput] = []
        server.said.append(self._said)

    async def run(self) -> None:
        with suppress(ConnectionError):
            async for message in self._websocket:
                try:
                    await self._received_one(message.data)
                except ProtocolViolation as violation:
                    await self._fail(violation.code, violation.message)
                self._received += 1
                if self._fault is not None and self._received >= self._fault.after:
                    await self._break(self._fault)
                if self._over:
                    break

    @property
    def _over(self) -> bool:
        return self._connection.ended or self._connection.failed or self._broken

    async def _received_one(self, data: str | bytes) -> None:
        connection = self._connection
        for said in connection.receive_text(data) if isinstance(data, str) else connection.receive_binary(data):
            self._said.append(said)
            await self._answer(said)
        await self._server._note()

    async def _answer(self, said: ClientInput) -> None:
        match said:
            case Start():
                self._server.starts.append(said)
                if self._server.mute:
                    await self._server._note()
                    await self._server.released.wait()
                if said.keyterms and not self._server.takes_keyterms:
                    raise ProtocolViolation(self._server.keyterms_refused, "none are taken here")
                if self._server.refused_start is not None:
                    raise ProtocolViolation(self._server.refused_start, "as the test wishes")
                self._recogniser = Recogniser(said, tells_settled=self._server.tells_settled)
                await self._send(ready(said, str(len(self._server.starts))))
            case AudioReceived(pcm):
                self._server.audio_bytes += len(pcm)
                await self._send(*self._recogniser.feed(pcm))
            case Finalize():
                await self._send(*self._recogniser.finalize(said))
            case Update():
                await self._update(said)
            case End():
                await self._send(*self._recogniser.end())
                self._server.finished += 1
                await self._server._note()
                await self._websocket.close()

    async def _update(self, said: Update) -> None:
        if said.language in self._server.refused_updates:
            await self._websocket.send_str(refusal(self._connection, "unsupported_language", "no such language"))
        else:
            self._recogniser.update(said)

    async def _send(self, *events: ServerEvent) -> None:
        for event in events:
            await self._websocket.send_str(self._connection.send(event))

    async def _fail(self, code: str, message: str) -> None:
        text, close_code = failure(self._connection, code, message)
        await self._websocket.send_str(text)
        await self._websocket.close(code=close_code)

    async def _break(self, fault: Fault) -> None:
        self._broken = True
        match fault.kind:
            case "abort":
                self._transport.abort()
            case "stall":
                await self._server.released.wait()
            case "close":
                await self._websocket.close(code=fault.close_code)
            case "fail":
                await self._fail(fault.code, "as the test wishes")
            case "garbage":
                await self._websocket.send_str("{")


class CuttingProxy:
    """Passes bytes between a client and a server, and cuts every connection after a random number of them."""

    def __init__(self, target: str, seed: int, cuts: int) -> None:
        host, port = target.removeprefix("ws://").split(":")
        self._target = (host, int(port))
        self._random = random.Random(seed)
        self.cuts_left = cuts
        self._writers: set[asyncio.StreamWriter] = set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()[:2]
        try:
            yield f"ws://{host}:{port}"
        finally:
            server.close()
            self._cut()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(*self._target)
        self._writers |= {writer, far_writer}
        budget = [round(200 * 500 ** self._random.random())] if self.cuts_left > 0 else [1 << 40]
        with suppress(ConnectionError):
            await asyncio.wait(
                [
                    asyncio.create_task(self._pass(reader, far_writer, budget)),
                    asyncio.create_task(self._pass(far_reader, writer, budget)),
                ]
            )

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, budget: list[int]) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(1 << 12):
                passed = data[: budget[0]]
                writer.write(passed)
                await writer.drain()
                budget[0] -= len(data)
                if budget[0] <= 0:
                    self.cuts_left -= 1
                    break
        if budget[0] <= 0:
            self._cut()
        writer.close()

    def _cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

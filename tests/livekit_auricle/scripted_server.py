"""A server on loopback that speaks the real protocol, hears `spoken` audio, and misbehaves as told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from aiohttp import WSMsgType, web

from auricle.protocol import (
    AudioReceived,
    ClientInput,
    End,
    Finalize,
    Limits,
    Ready,
    ServerConnection,
    ServerEvent,
    Start,
    Update,
)
from tests.livekit_auricle.recogniser import Recogniser
from tests.support.server_events import failure, refusal

LIMITS = Limits(message_bytes=1 << 20, buffered_seconds=10.0, stream_seconds=3600.0, idle_seconds=60.0)


@dataclass
class Behaviour:
    """What the server does beside answering well.

    Attributes:
        language: Language of every segment; ``"auto"`` for a model that has not detected one.
        final_delay: Seconds that the answer to a finalize is held back.
        forgetful: Finals come out empty, whatever the interims said.
        mute: A start is never answered.
        takes_keyterms: Key terms are no error.
        limits: As it tells them.
        languages: That it offers.
        refusals: HTTP statuses with which the next upgrades are refused.
        cut_at: Seconds of a connection's audio after which it is cut, one per connection.
        fail_at: Seconds and error code after which a stream fails, one per connection.
    """

    language: str = "en-US"
    final_delay: float = 0.0
    forgetful: bool = False
    mute: bool = False
    takes_keyterms: bool = False
    limits: Limits = LIMITS
    languages: tuple[str, ...] = ("en-US", "de-DE", "auto")
    refusals: list[int] = field(default_factory=list)
    cut_at: list[float] = field(default_factory=list)
    fail_at: list[tuple[float, str]] = field(default_factory=list)


class ScriptedServer:
    """Records what the plugin says, connection by connection."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.url = ""
        self.starts: list[Start] = []
        self.said: list[ClientInput] = []
        self.headers: list[dict[str, str]] = []
        self.peers: list[object] = []
        self.started = asyncio.Event()
        self.left = asyncio.Event()
        self.deserted = asyncio.Event()
        self.heard_seconds = 0.0
        self._streams = 0
        self._progress = asyncio.Event()

    async def progress(self) -> None:
        """Returns when some connection has heard more."""
        self._progress.clear()
        await self._progress.wait()

    def heard(self, seconds: float) -> None:
        self.heard_seconds = max(self.heard_seconds, seconds)
        self._progress.set()

    def application(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/v1/stream", self._stream)
        app.router.add_get("/healthz", self._health)
        return app

    async def _health(self, request: web.Request) -> web.Response:
        self.peers.append(request.transport.get_extra_info("peername") if request.transport else None)
        return web.json_response({"status": "ok"})

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        self.headers.append(dict(request.headers))
        self.peers.append(request.transport.get_extra_info("peername") if request.transport else None)
        if self.behaviour.refusals:
            return web.Response(status=self.behaviour.refusals.pop(0))
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        conversation = _Conversation(self, socket)
        self._streams += 1
        self.deserted.clear()
        with suppress(ConnectionError):  # a client that closes while it is being told something
            await conversation.run()
        self._streams -= 1
        self.left.set()
        if not self._streams:
            self.deserted.set()
        return socket


class _Conversation:
    def __init__(self, server: ScriptedServer, socket: web.WebSocketResponse) -> None:
        self.connection = ServerConnection()
        self._server = server
        self._behaviour = server.behaviour
        self._socket = socket
        self._recogniser: Recogniser | None = None
        self._cut_at = self._behaviour.cut_at.pop(0) if self._behaviour.cut_at else float("inf")
        fail = self._behaviour.fail_at.pop(0) if self._behaviour.fail_at else (float("inf"), "internal")
        self._fail_at, self._fail_code = fail

    async def run(self) -> None:
        """Until one of the two has enough."""
        async for message in self._socket:
            text = message.type is WSMsgType.TEXT
            read = self.connection.receive_text if text else self.connection.receive_binary
            for item in read(message.data):
                if not await self.take(item):
                    return

    async def take(self, item: ClientInput) -> bool:
        """Answers; returns whether the conversation goes on."""
        self._server.said.append(item)
        match item:
            case Start(keyterms=(_, *_)) if not self._behaviour.takes_keyterms:
                self._server.starts.append(item)
                return await self._fail("unsupported_keyterms", "scripted takes no key terms; send none")
            case Start() if not self._behaviour.mute:
                await self._start(item)
            case AudioReceived(pcm=pcm):
                await self._send(self._heard.hear(pcm))
                self._server.heard(self._heard.clock)
                return await self._survives()
            case Finalize(id=finalize_id):
                await asyncio.sleep(self._behaviour.final_delay)
                if self._behaviour.forgetful:
                    self._heard.forget()
                await self._send(self._heard.finalize(finalize_id))
            case Update():
                await self._update(item)
            case End():
                await self._send(self._heard.end())
                await self._socket.close()
                return False
        return True

    @property
    def _heard(self) -> Recogniser:
        assert self._recogniser is not None
        return self._recogniser

    async def _start(self, start: Start) -> None:
        self._server.starts.append(start)
        self._server.started.set()
        self._recogniser = Recogniser(start.turn, start.sample_rate, self._behaviour.language, start.refine)
        ready = Ready(
            session=f"session-{len(self._server.starts)}",
            model="scripted",
            latencies_ms=(80, 160, 560),
            languages=self._behaviour.languages,
            latency_ms=start.latency_ms or 80,
            language=start.language or self._behaviour.language,
            limits=self._behaviour.limits,
        )
        await self._send([ready])

    async def _update(self, update: Update) -> None:
        if update.language == "xx":
            await self._socket.send_str(refusal(self.connection, "unsupported_language", "there is no language xx"))
        elif update.keyterms and not self._behaviour.takes_keyterms:
            await self._socket.send_str(refusal(self.connection, "unsupported_keyterms", "scripted takes no key terms"))
        else:
            self._heard.turn = update.turn or self._heard.turn
            self._heard.refine = update.refine or self._heard.refine

    async def _fail(self, code: str, message: str) -> bool:
        text, close_code = failure(self.connection, code, message)
        await self._socket.send_str(text)
        await self._socket.close(code=close_code)
        return False

    async def _survives(self) -> bool:
        if self._heard.clock >= self._fail_at:
            return await self._fail(self._fail_code, "as scripted")
        if self._heard.clock >= self._cut_at and self._socket._req is not None:
            transport = self._socket._req.transport
            assert transport is not None
            transport.abort()
            return False
        return True

    async def _send(self, events: Iterable[ServerEvent]) -> None:
        for event in events:
            await self._socket.send_str(self.connection.send(event))


@asynccontextmanager
async def serve(behaviour: Behaviour | None = None, port: int = 0) -> AsyncIterator[ScriptedServer]:
    server = ScriptedServer(behaviour or Behaviour())
    runner = web.AppRunner(server.application(), shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        server.url = f"ws://127.0.0.1:{runner.addresses[0][1]}"
        yield server
    finally:
        await runner.cleanup()

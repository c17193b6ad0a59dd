"""A server on the loopback that speaks the native protocol, and does what a test wants.

With a recogniser it answers audio by itself and misbehaves as told; without one the test sends the events, by the
`Session` of each connection.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Literal, Self, TypeVar

from aiohttp import web

from auricle.protocol import (
    AudioReceived,
    ClientInput,
    End,
    Final,
    Finalize,
    Limits,
    ProtocolViolation,
    Ready,
    ServerConnection,
    ServerEvent,
    Start,
    Update,
)
from tests.support.recogniser import Recogniser
from tests.support.server_events import failure, final, refusal

PATIENCE = 10.0
"""Seconds a test waits for what must come; never how long it takes."""

READY = Ready(
    session="",
    model="scripted-model",
    latencies_ms=(80, 160, 560),
    languages=("en-US", "de-DE"),
    latency_ms=80,
    language="en-US",
    limits=Limits(message_bytes=1 << 20, buffered_seconds=30.0, stream_seconds=3600.0, idle_seconds=60.0),
)

Message = TypeVar("Message", Start, Update, Finalize, End)


def client_tasks() -> set[asyncio.Task[object]]:
    """All tasks of the loop but those with which servers here serve a connection."""
    tasks = asyncio.all_tasks()
    return {task for task in tasks if "RequestHandler" not in getattr(task.get_coro(), "__qualname__", "")}


@dataclass(frozen=True)
class Refusal:
    """An answer to the upgrade request: the stream never opens."""

    status: int
    retry_after: str | None = None


@dataclass(frozen=True)
class Fault:
    """What goes wrong on one connection.

    Attributes:
        kind: ``"abort"`` breaks it, ``"stall"`` reads nothing more, ``"close"`` sends a close frame, ``"fail"`` a fatal
            error, ``"garbage"`` no JSON.
        after: Messages of the client before that; the `Start` is the first.
        seconds: Audio recognised before that, instead.
        code: Of the error.
        close_code: Of the close frame.
    """

    kind: Literal["abort", "stall", "close", "fail", "garbage"]
    after: int = 1
    seconds: float | None = None
    code: str = "internal"
    close_code: int = 1011


@dataclass
class ScriptedServer:
    """What clients do is recorded; what goes wrong is used up, one item a connection.

    Attributes:
        recogniser: Makes the recogniser of a stream; None leaves the answers to the test.
        ready: The answer to each start, apart from what the start asks for.
        key: That clients must have.
        tls: For ``wss``.
        refusals: Answers to the next upgrade requests, before any is accepted.
        faults: Of the next connections.
        failures: Codes and sentences that answer the next starts.
        refused_languages: Updates to these are refused.
        takes_keyterms: Whether key terms are no error.
        keyterms_code: Code of the error that they are.
        final_delay: Seconds that the answer to a finalize is held back.
        forgetful: Whether finals come out empty, whatever the interims said.
        port: Where it listens; 0 takes a free one.
        url: Its address.
        sessions: Of all connections, in order.
        starts: Of all streams, in order.
        headers: Of all upgrade requests.
        peers: The client's end of the TCP connection of each request.
        refused: How many upgrade requests were refused.
        finished: How many streams had their end answered.
        open_sockets: How many WebSockets are open.
        closed_sockets: How many were open before.
        answering: Cleared while a start gets no answer.
        released: Ends the stalls.
    """

    recogniser: Callable[[Start], Recogniser] | None = None
    ready: Ready = READY
    key: str | None = None
    tls: ssl.SSLContext | None = None
    refusals: list[Refusal] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)
    refused_languages: frozenset[str] = frozenset({"xx"})
    takes_keyterms: bool = True
    keyterms_code: str = "unsupported_keyterms"
    final_delay: float = 0.0
    forgetful: bool = False
    port: int = 0
    url: str = ""
    sessions: list[Session] = field(default_factory=list)
    starts: list[Start] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    peers: list[object] = field(default_factory=list)
    refused: int = 0
    finished: int = 0
    open_sockets: int = 0
    closed_sockets: int = 0
    answering: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.answering.set()
        self._changed = asyncio.Condition()
        self._opened: asyncio.Queue[Session] = asyncio.Queue()

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/v1/stream", self._stream)
        app.router.add_get("/healthz", self._health)
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

    async def until(self, condition: Callable[[], bool]) -> None:
        """Waits until what clients did fulfils `condition`."""
        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(condition)

    async def until_deserted(self) -> None:
        """Waits until no connection is left."""
        await self.until(lambda: not self.open_sockets)

    async def notify(self) -> None:
        """Has every `until` look again."""
        async with self._changed:
            self._changed.notify_all()

    def cut(self) -> None:
        """Breaks every connection that is open now."""
        for session in self.sessions:
            session.cut()

    # --- serving -----------------------------------------------------------------------------------------------------

    async def _health(self, request: web.Request) -> web.Response:
        self._note(request)
        return web.json_response({"status": "ok"})

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
        session = Session(self, socket, request)
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
        headers = {} if refused.retry_after is None else {"Retry-After": refused.retry_after}
        return web.Response(status=refused.status, headers=headers)

    def opened(self, session: Session) -> None:
        """A start was answered."""
        self._opened.put_nowait(session)


class Session:
    """One connection as the server sees it.

    Attributes:
        start: With which the client opened the stream.
        authorization: The header of that name.
        received: Everything in the order of arrival.
        audio: All audio.
        closing: Cleared while `End` gets no answer.
        last_words: Sent in answer to `End`, before the connection closes normally; without a recogniser only.
    """

    def __init__(self, server: ScriptedServer, socket: web.WebSocketResponse, request: web.Request) -> None:
        assert request.transport is not None
        self.start = Start()
        self.authorization = request.headers.get("Authorization")
        self.received: list[ClientInput] = []
        self.audio = bytearray()
        self.closing = asyncio.Event()
        self.closing.set()
        self.last_words: list[ServerEvent] = []
        self._server = server
        self._socket = socket
        self._transport = request.transport
        self._connection = ServerConnection(server.ready.limits.message_bytes)
        self._fault = server.faults.pop(0) if server.faults else None
        self._recogniser: Recogniser | None = None
        self._messages = 0
        self._taken = 0
        self._unanswered: list[Finalize] = []
        self._broken = False

    @property
    def seconds(self) -> float:
        """Of audio received."""
        return len(self.audio) / 2 / self.start.sample_rate

    @property
    def log(self) -> list[int | Update | Finalize | End]:
        """Audio (as its length in bytes) and messages after the start, in the order of arrival."""
        items = [len(item.pcm) if isinstance(item, AudioReceived) else item for item in self.received]
        return [item for item in items if not isinstance(item, Start)]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Waits until what was received fulfils `condition`."""
        await self._server.until(condition)

    async def next(self, kind: type[Message]) -> Message:
        """The next message of this kind that no call has returned yet, nor any before it; waits for it."""
        await self.until(lambda: any(isinstance(item, kind) for item in self.received[self._taken :]))
        index = next(i for i, item in enumerate(self.received) if i >= self._taken and isinstance(item, kind))
        self._taken = index + 1
        found = self.received[index]
        assert isinstance(found, kind)
        return found

    async def send(self, *events: ServerEvent) -> None:
        """Sends events in this order."""
        for event in events:
            if isinstance(event, Final) and event.finalize_id is not None:
                self._unanswered.remove(Finalize(event.finalize_id))
            await self._socket.send_str(self._connection.send(event))

    async def fail(self, code: str, message: str) -> None:
        """Ends the stream with a fatal error."""
        text, close_code = failure(self._connection, code, message)
        await self._socket.send_str(text)
        await self._socket.close(code=close_code)

    def cut(self) -> None:
        """Breaks the connection without a close frame."""
        self._broken = True
        self._transport.abort()

    def stall(self) -> None:
        """Reads nothing more."""
        assert isinstance(self._transport, asyncio.Transport)
        self._transport.pause_reading()

    # --- serving -----------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Reads and answers until one of the two has enough."""
        async for message in self._socket:
            try:
                await self._receive(message.data)
            except ProtocolViolation as violation:
                await self.fail(violation.code, violation.message)
            self._messages += 1
            if self._fault is not None and self._is_due(self._fault):
                await self._break(self._fault)
            if self._connection.ended or self._connection.failed or self._broken:
                break

    async def _receive(self, data: str | bytes) -> None:
        connection = self._connection
        for item in connection.receive_text(data) if isinstance(data, str) else connection.receive_binary(data):
            self.received.append(item)
            if isinstance(item, AudioReceived):
                self.audio += item.pcm
            await self._answer(item)
            await self._server.notify()

    async def _answer(self, item: ClientInput) -> None:
        match item:
            case Start():
                await self._answer_start(item)
            case AudioReceived() if self._recogniser is not None:
                await self.send(*self._recogniser.feed(item.pcm))
            case Finalize():
                await self._answer_finalize(item)
            case Update() if self._recogniser is not None:
                await self._follow(item, self._recogniser)
            case End():
                await self._answer_end()

    async def _answer_start(self, start: Start) -> None:
        server, self.start = self._server, start
        server.starts.append(start)
        await server.notify()
        await server.answering.wait()
        if start.keyterms and not server.takes_keyterms:
            raise ProtocolViolation(server.keyterms_code, "scripted takes no key terms; send none")
        if server.failures:
            raise ProtocolViolation(*server.failures.pop(0))
        self._recogniser = server.recogniser(start) if server.recogniser is not None else None
        ready = server.ready
        latency_ms, language = start.latency_ms or ready.latency_ms, start.language or ready.language
        await self.send(replace(ready, session=f"{len(server.starts)}", latency_ms=latency_ms, language=language))
        server.opened(self)

    async def _answer_finalize(self, finalize: Finalize) -> None:
        self._unanswered.append(finalize)
        if self._recogniser is None:
            return
        await asyncio.sleep(self._server.final_delay)
        if self._server.forgetful:
            self._recogniser.forget()
        await self.send(*self._recogniser.finalize(finalize.id))

    async def _follow(self, update: Update, recogniser: Recogniser) -> None:
        if update.language in self._server.refused_languages:
            message = f"there is no language {update.language}"
            await self._socket.send_str(refusal(self._connection, "unsupported_language", message))
        elif update.keyterms and not self._server.takes_keyterms:
            message = "scripted takes no key terms"
            await self._socket.send_str(refusal(self._connection, self._server.keyterms_code, message))
        else:
            recogniser.update(update)

    async def _answer_end(self) -> None:
        await self._server.notify()
        await self.closing.wait()
        if self._recogniser is None:
            # A server answers every finalize, and what the test has left open was nothing.
            await self.send(*self.last_words, *[final("", self.seconds, finalize) for finalize in self._unanswered])
        else:
            await self.send(*self._recogniser.end())
        self._server.finished += 1
        await self._server.notify()
        await self._socket.close()

    def _is_due(self, fault: Fault) -> bool:
        if fault.seconds is None:
            return self._messages >= fault.after
        clock = self.seconds if self._recogniser is None else self._recogniser.clock
        return bool(self.audio) and clock >= fault.seconds

    async def _break(self, fault: Fault) -> None:
        self._broken = True
        match fault.kind:
            case "abort":
                self.cut()
            case "stall":
                await self._server.released.wait()
            case "close":
                await self._socket.close(code=fault.close_code)
            case "fail":
                await self.fail(fault.code, "as the test wishes")
            case "garbage":
                await self._socket.send_str("{")

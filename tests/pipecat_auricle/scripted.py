"""A real WebSocket server on loopback that speaks the native protocol and whose answers a test decides."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TypeVar

from aiohttp import WSMsgType, web

from auricle.protocol.client_messages import End, Finalize, Start, Update
from auricle.protocol.connection import ServerConnection
from auricle.protocol.server_messages import (
    Final,
    Interim,
    Limits,
    Ready,
    ServerEvent,
    TurnEagerEnd,
    TurnEnd,
    TurnResumed,
)
from auricle.protocol.states import AudioReceived
from tests.support.server_events import failure

PATIENCE = 5.0
"""Seconds a test waits for what must come; never how long it takes."""

READY = Ready(
    session="scripted",
    model="scripted-model",
    latencies_ms=(80, 160, 560),
    languages=("en-US", "de-DE"),
    latency_ms=80,
    language="en-US",
    limits=Limits(message_bytes=1 << 20, buffered_seconds=30.0, stream_seconds=3600.0, idle_seconds=60.0),
)

Message = TypeVar("Message", Start, Update, Finalize, End)


@dataclass(frozen=True)
class Refusal:
    """An answer to the upgrade request: the stream never opens."""

    status: int
    retry_after: str | None = None


class Session:
    """One connection as the server sees it.

    Attributes:
        start: What the client opened it with.
        authorization: The header of that name.
        audio: Everything heard so far.
        log: Audio (as its length in bytes) and messages in the order of arrival.
        opened: Set once the start was answered.
        closing: Cleared while `End` gets no answer.
        last_words: Sent in answer to `End`, before the connection closes as it should.
    """

    def __init__(self, socket: web.WebSocketResponse, authorization: str | None) -> None:
        self.authorization = authorization
        self.last_words: list[ServerEvent] = []
        self.opened = asyncio.Event()
        self.closing = asyncio.Event()
        self.closing.set()
        self.start = Start()
        self.audio = bytearray()
        self.log: list[int | Update | Finalize | End] = []
        self._socket = socket
        self._connection = ServerConnection()
        self._taken = 0
        self._unanswered: list[Finalize] = []
        self._news = asyncio.Condition()

    @property
    def heard(self) -> float:
        """Seconds of audio heard."""
        return len(self.audio) / 2 / self.start.sample_rate

    async def run(self, answer: Ready | tuple[str, str]) -> None:
        """Reads until the client goes; answers its start by `answer`, or by failing with that code and sentence."""
        async for message in self._socket:
            received = (
                self._connection.receive_text(message.data)
                if message.type is WSMsgType.TEXT
                else self._connection.receive_binary(message.data)
            )
            for item in received:
                await self._take(item, answer)

    async def _take(self, item: object, answer: Ready | tuple[str, str]) -> None:
        async with self._news:
            if isinstance(item, AudioReceived):
                self.audio += item.pcm
                self.log.append(len(item.pcm))
            elif isinstance(item, Start):
                self.start = item
                await self._answer_start(answer)
            elif isinstance(item, Update | Finalize | End):
                self.log.append(item)
                self._unanswered += [item] if isinstance(item, Finalize) else []
            self._news.notify_all()
        if isinstance(item, End):
            await self.closing.wait()
            # A server answers every finalize, and what the test has left open was nothing.
            await self.send(*self.last_words, *[final("", self.heard, finalize) for finalize in self._unanswered])
            await self._socket.close(code=1000)

    async def _answer_start(self, answer: Ready | tuple[str, str]) -> None:
        if isinstance(answer, tuple):
            await self.fail(*answer)
            return
        await self.send(replace(answer, latency_ms=self.start.latency_ms or answer.latency_ms))
        self.opened.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Waits until what was received fulfils `condition`."""
        async with asyncio.timeout(PATIENCE), self._news:
            await self._news.wait_for(condition)

    async def next(self, kind: type[Message]) -> Message:
        """The next message of this kind that no call has returned yet."""
        await self.until(lambda: any(isinstance(item, kind) for item in self.log[self._taken :]))
        index = next(i for i, item in enumerate(self.log) if i >= self._taken and isinstance(item, kind))
        self._taken = index + 1
        found = self.log[index]
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
        """Breaks the connection without a word."""
        self._transport.abort()

    def stall(self) -> None:
        """Reads nothing more."""
        self._transport.pause_reading()

    @property
    def _transport(self) -> asyncio.Transport:
        assert self._socket._req is not None
        transport = self._socket._req.transport
        assert isinstance(transport, asyncio.Transport)
        return transport


class ScriptedServer:
    """Accepts streams, answers `start` with `ready`, and leaves the rest to the test.

    Attributes:
        url: Where it listens.
        ready: The answer to each start.
        failures: Codes and sentences that answer the next starts instead.
        refusals: Answers to the next upgrade requests, before any is accepted.
        refused: How many were refused.
        answering: Cleared while a start gets no answer.
        connections: How many WebSockets are open.
    """

    def __init__(self) -> None:
        self.url = ""
        self.ready = READY
        self.failures: list[tuple[str, str]] = []
        self.refusals: list[Refusal] = []
        self.refused = 0
        self.connections = 0
        self.answering = asyncio.Event()
        self.answering.set()
        self._sessions: asyncio.Queue[Session] = asyncio.Queue()
        self._news = asyncio.Condition()

    async def session(self) -> Session:
        """The next stream that a client opened, once it is open."""
        async with asyncio.timeout(PATIENCE):
            session = await self._sessions.get()
            await session.opened.wait()
            return session

    @property
    def waiting_sessions(self) -> int:
        """Streams opened that no call of `session` has returned yet."""
        return self._sessions.qsize()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Handles one upgrade request."""
        if self.refusals:
            return self._refuse(self.refusals.pop(0))
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        session = Session(socket, request.headers.get("Authorization"))
        self.connections += 1
        try:
            await self._run(session)
        finally:
            async with self._news:
                self.connections -= 1
                self._news.notify_all()
        return socket

    async def alone(self) -> None:
        """Waits until no connection is left."""
        async with asyncio.timeout(PATIENCE), self._news:
            await self._news.wait_for(lambda: self.connections == 0)

    async def _run(self, session: Session) -> None:
        await self.answering.wait()
        if self.failures:
            await session.run(self.failures.pop(0))
        else:
            self._sessions.put_nowait(session)
            await session.run(self.ready)

    def _refuse(self, refusal: Refusal) -> web.Response:
        self.refused += 1
        headers = {} if refusal.retry_after is None else {"Retry-After": refusal.retry_after}
        return web.Response(status=refusal.status, headers=headers)


@asynccontextmanager
async def scripted_server(port: int = 0) -> AsyncIterator[ScriptedServer]:
    """Runs a `ScriptedServer` on loopback."""
    server = ScriptedServer()
    app = web.Application()
    app.router.add_get("/v1/stream", server.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    server.url = f"ws://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()


def interim(text: str, at: float) -> Interim:
    """An interim decided at `at` seconds."""
    return Interim(text=text, start=0.0, end=at, language="en-US", audio_time=at)


def final(text: str, end: float, answers: Finalize | None = None, *, at: float | None = None) -> Final:
    """A final whose last word ends at `end`, decided there or later, on its own or in answer to a finalize."""
    decided = end if at is None else at
    return Final(
        text=text,
        start=0.0,
        end=end,
        language="en-US",
        settled=decided,
        audio_time=decided,
        finalize_id=None if answers is None else answers.id,
    )


def eager_end(text: str, at: float) -> TurnEagerEnd:
    """A turn that has probably ended, decided at `at` seconds."""
    return TurnEagerEnd(text=text, probability=0.5, speech_end=at - 0.2, audio_time=at)


def resumed(at: float) -> TurnResumed:
    """A turn that goes on after all."""
    return TurnResumed(probability=0.0, audio_time=at)


def turn_end(text: str, at: float) -> TurnEnd:
    """The end of a turn, decided at `at` seconds."""
    return TurnEnd(text=text, probability=1.0, speech_end=at - 0.5, audio_time=at)

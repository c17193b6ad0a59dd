"""One connection of a scripted server: what the client sent on it, and what a test or a recogniser answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from aiohttp import web

from auricle.protocol import (
    AudioReceived,
    ClientInput,
    End,
    Final,
    Finalize,
    ProtocolViolation,
    ServerConnection,
    ServerEvent,
    Start,
    Update,
)
from tests.support.recogniser import Recogniser
from tests.support.scripted.script import Fault, Script
from tests.support.server_events import failure, final, refusal

Message = TypeVar("Message", Start, Update, Finalize, End)


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

    def __init__(
        self,
        script: Script,
        on_open: Callable[[Session], None],
        socket: web.WebSocketResponse,
        request: web.Request,
    ) -> None:
        assert request.transport is not None
        self.start = Start()
        self.authorization = request.headers.get("Authorization")
        self.received: list[ClientInput] = []
        self.audio = bytearray()
        self.closing = asyncio.Event()
        self.closing.set()
        self.last_words: list[ServerEvent] = []
        self._script = script
        self._on_open = on_open
        self._socket = socket
        self._transport = request.transport
        self._connection = ServerConnection(script.ready.limits.message_bytes)
        self._fault = script.faults.pop(0) if script.faults else None
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
        await self._script.until(condition)

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
            await self._script.notify()

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
        script, self.start = self._script, start
        script.starts.append(start)
        await script.notify()
        await script.answering.wait()
        if start.keyterms and not script.takes_keyterms:
            raise ProtocolViolation(script.keyterms_code, "scripted takes no key terms; send none")
        if script.failures:
            raise ProtocolViolation(*script.failures.pop(0))
        self._recogniser = script.recogniser(start) if script.recogniser is not None else None
        ready = script.ready
        latency_ms, language = start.latency_ms or ready.latency_ms, start.language or ready.language
        await self.send(replace(ready, session=f"{len(script.starts)}", latency_ms=latency_ms, language=language))
        self._on_open(self)

    async def _answer_finalize(self, finalize: Finalize) -> None:
        self._unanswered.append(finalize)
        if self._recogniser is None:
            return
        await asyncio.sleep(self._script.final_delay)
        if self._script.forgetful:
            self._recogniser.forget()
        await self.send(*self._recogniser.finalize(finalize.id))

    async def _follow(self, update: Update, recogniser: Recogniser) -> None:
        if update.language in self._script.refused_languages:
            message = f"there is no language {update.language}"
            await self._socket.send_str(refusal(self._connection, "unsupported_language", message))
        elif update.keyterms and not self._script.takes_keyterms:
            message = "scripted takes no key terms"
            await self._socket.send_str(refusal(self._connection, self._script.keyterms_code, message))
        else:
            recogniser.update(update)

    async def _answer_end(self) -> None:
        await self._script.notify()
        await self.closing.wait()
        if self._recogniser is None:
            # A server answers every finalize, and what the test has left open was nothing.
            await self.send(*self.last_words, *[final("", self.seconds, finalize) for finalize in self._unanswered])
        else:
            await self.send(*self._recogniser.end())
        self._script.finished += 1
        await self._script.notify()
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
                await self._script.released.wait()
            case "close":
                await self._socket.close(code=fault.close_code)
            case "fail":
                await self.fail(fault.code, "as the test wishes")
            case "garbage":
                await self._socket.send_str("{")

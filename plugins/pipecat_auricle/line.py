"""The line to the server: one stream after another, and what the pipeline says until the next one is open."""

from __future__ import annotations

import asyncio
import random
from typing import Protocol

from loguru import logger

from auricle import AuricleClient, ReconnectPolicy, Stream
from auricle.errors import AuricleError, ServerFull
from auricle.events import Reconnected, StreamEvent
from auricle.protocol.client_messages import End, Finalize, Start, Update
from auricle.protocol.server_messages import Ready
from pipecat_auricle.backlog import Backlog, Said


class Listener(Protocol):
    """Who owns the line."""

    def start_message(self) -> Start:
        """The message that opens the next stream."""
        ...

    async def on_open(self, ready: Ready) -> None:
        """A stream is open."""
        ...

    def on_offer(self, ready: Ready) -> None:
        """What the server offers that the stream is at from now on; before `on_open`, and on every return."""
        ...

    async def on_event(self, event: StreamEvent) -> None:
        """The stream has something to tell."""
        ...

    async def on_failure(self, error: AuricleError, *, final: bool) -> None:
        """There is no stream any more; `final` when the line has given up."""
        ...


class Line:
    """Talks to the server from a task of its own, so that a slow network never holds up the pipeline.

    The client beneath reconnects a stream that breaks and replays what had no final. The line does what is left: it
    tries again when there was no stream to begin with, or when the server was full.

    Args:
        client: Opens the streams.
        policy: When to try again. A full server is tried for ever, because it is not a broken one.
        listener: Hears of everything, in order, from the line's task.
        held_bytes: Audio kept while it cannot be sent; the oldest goes first.
    """

    def __init__(self, client: AuricleClient, policy: ReconnectPolicy, listener: Listener, held_bytes: int) -> None:
        self.settled = asyncio.Event()
        """Set once the first attempt has succeeded or failed."""
        self.over = False
        """Whether there will be no stream any more."""
        self._client = client
        self._policy = policy
        self._listener = listener
        self._backlog = Backlog(held_bytes)
        self._open = False
        self._losing = False
        self._failures = 0

    @property
    def is_open(self) -> bool:
        """Whether there is a stream."""
        return self._open

    def say(self, said: Said) -> None:
        """Takes audio or a message along, in order; never waits."""
        if self._backlog.put(said) and not self._losing:
            logger.warning("auricle: audio is lost, because it cannot be sent and more than is kept has come since")
            self._losing = True

    async def run(self) -> None:
        """Keeps the line until `End` was said and answered, or trying is pointless."""
        try:
            while not await self._ended():
                pass
        finally:
            self.over = True
            self.settled.set()

    async def _ended(self) -> bool:
        """Whether it is over with this attempt; waits before the next one."""
        opened = False
        try:
            async with await self._client.open(self._listener.start_message()) as stream:
                opened = True
                await self._serve(stream)
            return True
        except AuricleError as error:
            self._open = False
            delay = self._delay(error, opened=opened)
            self.over = delay is None
            await self._report(error, final=delay is None)
            if delay is None:
                return True
            self.settled.set()
            await asyncio.sleep(delay)
            return False
        finally:
            self._open = False

    async def _serve(self, stream: Stream) -> None:
        self._open, self._failures, self._losing = True, 0, False
        self._listener.on_offer(stream.ready)
        await self._listener.on_open(stream.ready)
        self.settled.set()
        teller = asyncio.create_task(self._tell(stream), name="auricle line")
        try:
            async for event in stream:
                if isinstance(event, Reconnected):
                    self._listener.on_offer(stream.ready)
                await self._listener.on_event(event)
        finally:
            teller.cancel()
            await asyncio.wait([teller])

    async def _tell(self, stream: Stream) -> None:
        try:
            while True:
                await _say(stream, await self._backlog.get())
        except AuricleError as error:
            # The iteration over the events raises the same, after the events that came before it.
            logger.debug(f"auricle: nothing more to tell: {error}")

    def _delay(self, error: AuricleError, *, opened: bool) -> float | None:
        """Seconds until the next attempt; None to give up."""
        self._failures += 1
        # A stream that was open has had all the attempts of the policy from the client already.
        exhausted = opened or self._policy.gives_up(self._failures, error)
        if exhausted and not isinstance(error, ServerFull):
            return None
        return self._policy.delay(self._failures, error, random.random())

    async def _report(self, error: AuricleError, *, final: bool) -> None:
        if final or self._failures <= 1:
            await self._listener.on_failure(error, final=final)
        else:
            logger.debug(f"auricle: attempt {self._failures} failed: {error}")


async def _say(stream: Stream, said: Said) -> None:
    match said:
        case bytes():
            await stream.send(said)
        case Finalize():
            await stream.finalize(said.id)
        case Update():
            await stream.update(
                latency_ms=said.latency_ms,
                language=said.language,
                turn=said.turn,
                keyterms=said.keyterms,
                refine=said.refine,
            )
        case End():
            await stream.end()

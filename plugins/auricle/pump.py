"""Keeps one stream connected: tells servers what the journal holds, hears their events, and reconnects in between."""

from __future__ import annotations

import asyncio
import random

import aiohttp

from auricle.errors import AuricleError, ConnectionFailed, StreamFailed
from auricle.events import Reconnected, Reconnecting
from auricle.journal import Journal, Resumption
from auricle.link import Address, Link, open_link
from auricle.mailbox import Mailbox
from auricle.protocol import codes
from auricle.protocol.messages import Error, Final, Ready, Settled
from auricle.reconnect import ReconnectPolicy
from auricle.room import Room
from auricle.splice import Splice, Told

SEND_BUFFER_SECONDS = 2.0


class Pump:
    """The task behind a stream.

    Args:
        session: For the WebSockets.
        address: Of the server.
        journal: What there is to tell; call `poke` after adding to it.
        splice: What there was to hear.
        policy: When to try again.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        address: Address,
        journal: Journal,
        splice: Splice,
        policy: ReconnectPolicy,
    ) -> None:
        self.mailbox = Mailbox()
        self.ready: Ready | None = None
        self.over = False
        self.failure: BaseException | None = None
        self._session = session
        self._address = address
        self._journal = journal
        self._splice = splice
        self._policy = policy
        self._room = Room(SEND_BUFFER_SECONDS, policy.replay_seconds)
        self._poked = asyncio.Event()
        self._moved = asyncio.Event()
        self._attempt = 0
        self._link: Link | None = None
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Connects once and starts the task.

        Raises:
            AuricleError: There is no server, or it will not have this stream.
        """
        link, _ = await self._connect()
        self._task = asyncio.create_task(self._run(link), name="auricle stream")
        self._task.add_done_callback(self._finished)

    async def aclose(self) -> None:
        """Drops the connection and waits until nothing is left of it."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        if self._link is not None:
            await self._link.close()  # a task cancelled before its first step has closed nothing

    def poke(self) -> None:
        """There is something new in the journal."""
        self._poked.set()

    async def room(self) -> None:
        """Waits until more audio may be said, or nothing matters any more."""
        while not self.over and not self._room.allows(self._journal.unsent_seconds, _now()):
            await self._moved.wait()

    # --- the task ----------------------------------------------------------------------------------------------------

    async def _run(self, link: Link) -> None:
        while (error := await self._serve(link)) is not None:
            link = await self._reconnect(error)

    async def _serve(self, link: Link) -> AuricleError | None:
        """One connection's life; why it broke, or None when the stream is over."""
        began, writer = _now(), asyncio.create_task(self._write(link), name="auricle stream writer")
        try:
            await self._read(link)
        except AuricleError as error:
            self._interrupted(lasted=_now() - began)
            return error
        finally:
            writer.cancel()
            await asyncio.wait([writer])
            await link.close()
        return None

    async def _write(self, link: Link) -> None:
        while True:
            self._poked.clear()
            while (said := self._journal.next()) is not None:
                try:
                    await link.tell(said)
                except AuricleError:
                    return  # the reader finds the connection broken too, after the events that still arrived on it
                self._room.sent(self._journal.unsent_seconds)
                self._pulse()
            await self._poked.wait()

    async def _read(self, link: Link) -> None:
        while (event := await link.hear()) is not None:
            event = self._splice.clock(event)
            self._note(event, link.ready)
            for told in self._splice.take(event):
                await self.mailbox.put(told)
        if self._journal.pending:
            raise ConnectionFailed("lost", "the server closed before it had answered every finalize")
        for told in self._splice.finish(self._journal.seconds):
            await self.mailbox.put(told)

    def _note(self, event: Told | Settled, ready: Ready) -> None:
        """What the event lets the journal forget."""
        if isinstance(event, Error):
            self._journal.refuse(event.code, {*ready.latencies_ms, *ready.languages})
        if isinstance(event, Final) and event.finalize_id is not None:
            self._journal.answer(event.finalize_id)
        if isinstance(event, Final | Settled):
            self._journal.settle(event.settled)
            self._attempt = 0

    # --- between connections -----------------------------------------------------------------------------------------

    async def _connect(self) -> tuple[Link, Resumption]:
        link = await open_link(self._session, self._address, self._journal.start)
        self._link, self.ready = link, link.ready
        resumption = self._journal.attach(link.ready.limits.message_bytes)
        self._splice.resume(resumption.origin)
        self._room.resumed()
        return link, resumption

    def _interrupted(self, *, lasted: float) -> None:
        if lasted > self._policy.max_delay:
            self._attempt = 0
        self._journal.detach(speaking=self._splice.speaking)
        self._room.interrupted(self._journal.unsent_seconds, _now())

    async def _reconnect(self, error: AuricleError) -> Link:
        """A new connection.

        Raises:
            AuricleError: The last one's, when the policy gives up.
        """
        while True:
            self._attempt += 1
            if self._policy.gives_up(self._attempt, error):
                raise error
            await self._wait_for_use(error)
            delay = self._policy.delay(self._attempt, error, random.random())
            self.mailbox.put_at_once(Reconnecting(self._attempt, delay, error))
            await asyncio.sleep(delay)
            try:
                link, resumption = await self._connect()
            except AuricleError as failure:
                error = failure
                continue
            self.mailbox.put_at_once(Reconnected(resumption.replayed_seconds, resumption.lost_seconds))
            return link

    async def _wait_for_use(self, error: AuricleError) -> None:
        """After an idle timeout: the next connection would idle away as well, and hold a slot until then."""
        idled = isinstance(error, StreamFailed) and error.code == codes.IDLE_TIMEOUT
        if idled and not self._journal.awaits_answer:
            await self._poked.wait()

    def _finished(self, task: asyncio.Task[None]) -> None:
        self.over = True
        self.failure = None if task.cancelled() else task.exception()
        self.mailbox.close(self.failure)
        self._pulse()

    def _pulse(self) -> None:
        """Wakes all that wait for room; each looks for itself."""
        self._moved.set()
        self._moved = asyncio.Event()


def _now() -> float:
    return asyncio.get_running_loop().time()

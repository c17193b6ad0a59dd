"""Keeps one stream connected: tells servers what the journal holds, hears their events, and reconnects in between."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

import aiohttp

from auricle._connection.connection import Connection, ResumePoint
from auricle._connection.connector import Connector
from auricle._connection.servers import Servers
from auricle._stream.event_merger import EventMerger, VisibleEvent
from auricle._stream.event_queue import EventQueue
from auricle._stream.replay_buffer import ReplayBuffer
from auricle._stream.send_window import SendWindow
from auricle.errors import AuricleError, ConnectionFailed, StreamFailed
from auricle.events import Connected, Reconnected, Reconnecting
from auricle.protocol import codes
from auricle.protocol.client_messages import Start
from auricle.protocol.server_messages import Error, Final, Ready, Settled
from auricle.reconnect import ReconnectPolicy

SEND_BUFFER_SECONDS = 2.0


class StreamTask:
    """The task behind a stream.

    Args:
        session: For the WebSockets.
        servers: Where to connect.
        journal: What there is to tell; call `wake` after adding to it.
        splice: What there was to hear.
        policy: When to try again.
        answer_timeout: Seconds without any event after which a server that owes one is taken for lost; None for never.
        send_buffer_seconds: Audio that may wait to be sent.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        servers: Servers,
        journal: ReplayBuffer,
        splice: EventMerger,
        policy: ReconnectPolicy,
        answer_timeout: float | None = None,
        send_buffer_seconds: float = SEND_BUFFER_SECONDS,
    ) -> None:
        self.mailbox = EventQueue()
        self.ready: Ready | None = None
        self.over = False
        self.failure: BaseException | None = None
        self._dialler = Connector(session, servers)
        self._journal = journal
        self._splice = splice
        self._policy = policy
        self._connect_policy = policy
        self._start_message: Callable[[], Start] | None = None
        self._room = SendWindow(send_buffer_seconds, SEND_BUFFER_SECONDS)
        self._poked = asyncio.Event()
        self._moved = asyncio.Event()
        self._attempt = 0
        self._answer_timeout = answer_timeout
        self._heard_at = 0.0
        self._link: Connection | None = None
        self._back: ResumePoint | None = None
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Connects once and starts the task.

        Raises:
            AuricleError: There is no server, or it will not have this stream.
        """
        link, _ = await self._connect()
        self._start(link)

    def begin(self, connect_policy: ReconnectPolicy, start_message: Callable[[], Start] | None) -> None:
        """Starts the task without a connection; the task makes one.

        Args:
            connect_policy: When to try again until there is one.
            start_message: Called before each attempt until one succeeds, for the `Start` of that attempt.
        """
        self._connect_policy, self._start_message = connect_policy, start_message
        self._room.interrupted(0.0, _now())
        self._start(None)

    async def reopen(self) -> None:
        """Goes on with a stream that has failed, as if its policy had not given up.

        Raises:
            AuricleError: No server will have it; it may be tried again.
        """
        link, connected = await self._connect()
        self.mailbox, self.over, self.failure, self._attempt = EventQueue(), False, None, 0
        self.mailbox.put_at_once(connected)
        self._start(link)

    def _start(self, link: Connection | None) -> None:
        self._task = asyncio.create_task(self._run(link), name="auricle stream")
        self._task.add_done_callback(self._finished)

    async def aclose(self) -> None:
        """Drops the connection and waits until nothing is left of it."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        if self._link is not None:
            await self._link.close()  # a task cancelled before its first step has closed nothing

    def wake(self) -> None:
        """There is something new in the journal."""
        self._poked.set()

    @property
    def has_room(self) -> bool:
        """Whether more audio may be said, or nothing matters any more."""
        return self.over or self._allows_more()

    def _allows_more(self) -> bool:
        return self._room.allows(self._journal.unsent_seconds, self._journal.seconds, _now())

    def _is_stalled(self) -> bool:
        return self._room.stalls(self._journal.unsent_seconds, self._journal.seconds, _now())

    async def room(self) -> None:
        """Waits until there is room."""
        while not self.has_room:
            await self._moved.wait()

    @property
    def url(self) -> str | None:
        """Of the server in use, or used last; None before the first connection."""
        return None if self._link is None else self._link.address.url

    # --- the task ----------------------------------------------------------------------------------------------------

    async def _run(self, link: Connection | None) -> None:
        if link is None:
            link = await self._first_connection()
        while (error := await self._serve(link)) is not None:
            link = await self._reconnect(error)

    async def _serve(self, link: Connection) -> AuricleError | None:
        """One connection's life; why it broke, or None when the stream is over."""
        began = self._heard_at = _now()
        helpers = [
            asyncio.create_task(self._write(link), name="auricle stream writer"),
            asyncio.create_task(self._watch(link), name="auricle stream watch"),
        ]
        try:
            await self._read(link)
        except AuricleError as error:
            self._interrupted(link, error, lasted=_now() - began)
            return error
        finally:
            for helper in helpers:
                helper.cancel()
            await asyncio.wait(helpers)
            await link.close()
        return None

    async def _watch(self, link: Connection) -> None:
        """Takes a server for lost that says nothing although it owes an answer, or takes no audio.

        A file has to wait for live streams, and for other files: of its server only the heartbeat tells.
        """
        if self._answer_timeout is None or self._journal.start.offline:
            return
        owed_since: float | None = None
        while True:
            await asyncio.sleep(self._answer_timeout / 8)
            owes = self._journal.awaits_answer or self._is_stalled()
            owed_since = (owed_since or _now()) if owes else None
            if owed_since is not None and _now() - max(owed_since, self._heard_at) >= self._answer_timeout:
                link.give_up(ConnectionFailed("timeout", f"no answer for {self._answer_timeout:g} s"))
                return

    async def _write(self, link: Connection) -> None:
        while True:
            self._poked.clear()
            while (said := self._journal.next()) is not None:
                try:
                    await link.send(said)
                except AuricleError:
                    return  # the reader finds the connection broken too, after the events that still arrived on it
                self._room.sent(self._journal.unsent_seconds)
                self._pulse()
            await self._poked.wait()

    async def _read(self, link: Connection) -> None:
        while (event := await link.receive()) is not None:
            self._heard_at = _now()
            event = self._splice.clock(event)
            self._note(event, link.ready)
            for told in self._splice.take(event):
                await self.mailbox.put(told)
        if self._journal.pending:
            raise ConnectionFailed("lost", "the server closed before it had answered every finalize")
        for told in self._splice.finish(self._journal.seconds):
            await self.mailbox.put(told)

    def _note(self, event: VisibleEvent | Settled, ready: Ready) -> None:
        """What the event lets the journal forget."""
        if isinstance(event, Error):
            self._journal.refuse(event.code, ready)
        if isinstance(event, Final) and event.finalize_id is not None:
            self._journal.answer(event.finalize_id)
        if isinstance(event, Final | Settled):
            self._journal.settle(event.settled)
            self._attempt = 0

    # --- between connections -----------------------------------------------------------------------------------------

    async def _first_connection(self) -> Connection:
        """The first connection of a stream that begins without one.

        Raises:
            AuricleError: The last attempt's, when the policy gives up.
        """
        try:
            link, connected = await self._connect()
        except AuricleError as error:
            return await self._reconnect(error)
        self.mailbox.put_at_once(connected)
        return link

    async def _connect(self) -> tuple[Connection, Connected | Reconnected]:
        """A connection that goes on with the stream: to the server that had it, if that still has it, or to any.

        Raises:
            AuricleError: No server will have it.
        """
        first = self.ready is None
        if first and self._start_message is not None:
            self._restart(self._start_message())
        start = self._journal.start
        if self._back is None:
            link = await self._dialler.connect(start)
        else:
            link = await self._dialler.reconnect(start, self._back, self._journal.can_resume)
        self._link, self.ready, self._back = link, link.ready, None
        resumption = self._journal.resume(link.ready)
        if resumption is not None:
            asked, ended = self._journal.told
            link.resumed(asked, ended=ended)
            return link, Reconnected(resumption.replayed_seconds, resumed=True)
        resumption = self._journal.attach(link.ready)
        self._splice.resume(resumption.origin)
        event = Connected if first else Reconnected
        return link, event(resumption.replayed_seconds, resumption.lost_seconds)

    def _restart(self, start: Start) -> None:
        """The first connection is asked for with another `Start` than the last attempt."""
        previous = self._journal.start
        if (start.encoding, start.sample_rate) != (previous.encoding, previous.sample_rate):
            raise ValueError("start: the encoding and the sample rate of a stream cannot change between attempts")
        if start.turn != previous.turn:
            self._splice.change_turn(start.turn)
        self._journal.start = start

    def _interrupted(self, link: Connection, error: AuricleError, *, lasted: float) -> None:
        """A server that has ended the stream has nothing to come back to; of a broken connection it knows nothing."""
        if lasted > self._policy.max_delay:
            self._attempt = 0
        if isinstance(error, ConnectionFailed):
            link.cut()
            self._back = link.resume_point
        else:
            self._dialler.ended(link, error)
        self._journal.detach(speaking=self._splice.speaking)
        self._room.interrupted(self._journal.seconds, _now())

    async def _reconnect(self, error: AuricleError) -> Connection:
        """A new connection.

        Raises:
            AuricleError: The last one's, when the policy gives up.
        """
        policy = self._connect_policy if self.ready is None else self._policy
        while True:
            self._attempt += 1
            if policy.gives_up(self._attempt, error):
                raise error
            await self._wait_for_use(error)
            delay = policy.delay(self._attempt, error, random.random())
            self.mailbox.put_at_once(Reconnecting(self._attempt, delay, error))
            await asyncio.sleep(delay)
            try:
                link, connected = await self._connect()
            except AuricleError as failure:
                error = failure
                continue
            if isinstance(connected, Connected):
                self._attempt = 0  # from here on the other policy counts
            self.mailbox.put_at_once(connected)
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

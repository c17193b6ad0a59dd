"""Keeps one stream connected: sends what the replay buffer holds, queues the events, and reconnects in between."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

import aiohttp

from auricle._connection.connection import Connection, ResumePoint
from auricle._connection.connector import Connector
from auricle._connection.servers import Servers
from auricle._stream.event_merger import EventMerger
from auricle._stream.event_queue import EventQueue
from auricle._stream.keyterms_gate import KeytermsGate
from auricle._stream.recording import began_anew, error_of_loss
from auricle._stream.replay_buffer import ReplayBuffer
from auricle._stream.stream_input import StreamInput
from auricle.client_options import ClientOptions
from auricle.errors import AuricleError, ConnectionFailed, StreamFailed
from auricle.events import Connected, Reconnected, Reconnecting, VisibleEvent
from auricle.protocol import codes
from auricle.protocol.client_messages import Start
from auricle.protocol.server_messages import Error, Final, Ready, Settled
from auricle.reconnect import ReconnectPolicy


class StreamTask:
    """The task of a stream.

    Args:
        session: For the WebSockets.
        servers: Where to connect.
        replay_buffer: What to send.
        stream_input: Its input, as the caller fills it.
        merger: Makes the events of several connections those of one stream.
        options: Of the client.

    Attributes:
        events: For the caller; another queue after `reopen`.
        ready: What the last server answered; None before the first connection.
        finished: Whether the task is over, by the end of the stream or by a failure.
        failure: The error that ended it, if one did.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        servers: Servers,
        replay_buffer: ReplayBuffer,
        stream_input: StreamInput,
        merger: EventMerger,
        options: ClientOptions,
    ) -> None:
        self.events = EventQueue()
        self.ready: Ready | None = None
        self.finished = False
        self.failure: BaseException | None = None
        self._connector = Connector(session, servers, options.trace_context)
        self._replay_buffer = replay_buffer
        self._input = stream_input
        self._merger = merger
        self._policy = self._connect_policy = options.reconnect
        self._answer_timeout = options.answer_timeout
        self._start_message: Callable[[], Start] | None = None
        self._gate = KeytermsGate(replay_buffer.start, 0.0)
        self._attempt = 0
        self._last_event_at = 0.0
        self._connection: Connection | None = None
        self._resume_point: ResumePoint | None = None
        self._task: asyncio.Task[None] | None = None

    # --- life --------------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Connects once and starts the task.

        Raises:
            AuricleError: No server can be reached, or none accepts the stream.
        """
        connection, _ = await self._connect()
        self._start(connection)

    def begin(self, connect_policy: ReconnectPolicy, start_message: Callable[[], Start] | None) -> None:
        """Starts the task without a connection; the task makes one.

        Args:
            connect_policy: When to try again until there is one.
            start_message: Called before each attempt until one succeeds, for the `Start` of that attempt.
        """
        self._connect_policy, self._start_message = connect_policy, start_message
        self._input.interrupted()
        self._start(None)

    async def reopen(self) -> None:
        """Continues a stream that has failed, as if its policy had not given up.

        Raises:
            AuricleError: No server accepts it; the caller may try again.
        """
        connection, connected = await self._connect()
        self.events, self.finished, self.failure, self._attempt = EventQueue(), False, None, 0
        self.events.put_nowait(connected)
        self._input.reopen()
        self._start(connection)

    def _start(self, connection: Connection | None) -> None:
        self._task = asyncio.create_task(self._run(connection), name="auricle stream")
        self._task.add_done_callback(self._finish)

    async def aclose(self) -> None:
        """Drops the connection and waits until the task is over."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        if self._connection is not None:
            await self._connection.close()  # a task that is cancelled before its first step has closed nothing

    def _finish(self, task: asyncio.Task[None]) -> None:
        self.finished = True
        self.failure = None if task.cancelled() else task.exception()
        self.events.close(self.failure)
        self._input.close()

    @property
    def url(self) -> str | None:
        """Of the server in use, or used last; None before the first connection."""
        return None if self._connection is None else self._connection.address.url

    # --- the task ----------------------------------------------------------------------------------------------------

    async def _run(self, connection: Connection | None) -> None:
        if connection is None:
            connection = await self._connect_first()
        while (error := await self._serve(connection)) is not None:
            connection = await self._reconnect(error)

    async def _serve(self, connection: Connection) -> AuricleError | None:
        """Uses a connection until it ends; returns why it broke, or None when the stream is over."""
        began = self._last_event_at = _now()
        helpers = [
            asyncio.create_task(self._write(connection), name="auricle stream writer"),
            asyncio.create_task(self._watch(connection), name="auricle stream watch"),
        ]
        try:
            await self._read(connection)
        except AuricleError as error:
            self._detach(connection, error, lasted=_now() - began)
            return error
        finally:
            for helper in helpers:
                helper.cancel()
            # Waited for: a writer that still runs could take input that the next connection must send.
            await asyncio.wait(helpers)
            await connection.close()
        return None

    async def _watch(self, connection: Connection) -> None:
        """Gives a server up that sends nothing although it owes an answer, or takes no audio.

        Not for offline streams, which wait for live streams and for each other: only the heartbeat tells whether their
        server is alive.
        """
        if self._answer_timeout is None or self._replay_buffer.start.offline:
            return
        owed_since: float | None = None
        while True:
            # Eight looks: a silent server is noticed at most an eighth too late.
            await asyncio.sleep(self._answer_timeout / 8)
            owes = self._replay_buffer.awaits_answer or self._input.is_stalled
            owed_since = (owed_since or _now()) if owes else None
            if owed_since is not None and _now() - max(owed_since, self._last_event_at) >= self._answer_timeout:
                connection.give_up(ConnectionFailed("timeout", f"no answer for {self._answer_timeout:g} s"))
                return

    async def _write(self, connection: Connection) -> None:
        await self._gate.wait()
        while True:
            try:
                await connection.send(await self._input.next_unsent())
            except AuricleError:
                return  # the reader meets the same error, after the events that still arrived on the connection
            self._input.sent()

    async def _read(self, connection: Connection) -> None:
        while (received := await connection.receive()) is not None:
            self._last_event_at = _now()
            self._gate.on_event(received)
            event = self._merger.to_stream_time(received)
            self._release(event, connection.ready)
            for visible in self._merger.merge(event):
                await self.events.put(visible)
        if self._replay_buffer.unanswered:
            raise ConnectionFailed("lost", "the server closed before it had answered every finalize")
        for visible in self._merger.finish(self._replay_buffer.audio_seconds):
            await self.events.put(visible)

    def _release(self, event: VisibleEvent | Settled, ready: Ready) -> None:
        """Drops from the replay buffer what the event makes superfluous."""
        if isinstance(event, Error):
            self._replay_buffer.refuse(event.code, ready)
        if isinstance(event, Final) and event.finalize_id is not None:
            self._replay_buffer.answer(event.finalize_id)
        if isinstance(event, Final | Settled):
            self._replay_buffer.settle(event.settled)
            self._attempt = 0

    # --- between connections -----------------------------------------------------------------------------------------

    async def _connect_first(self) -> Connection:
        """The first connection of a stream that begins without one.

        Raises:
            AuricleError: The last attempt's, when the policy gives up.
        """
        try:
            connection, connected = await self._connect()
        except AuricleError as error:
            return await self._reconnect(error)
        self.events.put_nowait(connected)
        return connection

    async def _connect(self) -> tuple[Connection, Connected | Reconnected]:
        """A connection for the stream: to the server that had it, if that still has it, or to any.

        Raises:
            AuricleError: No server accepts it.
        """
        first = self.ready is None
        if first and self._start_message is not None:
            self._replay_buffer.replace_start(self._start_message())
            self._merger.change_turn(self._replay_buffer.start.turn)
        start = self._replay_buffer.start
        if self._resume_point is None:
            connection = await self._connector.connect(start)
        else:
            connection = await self._connector.reconnect(start, self._resume_point, self._replay_buffer.can_resume)
        self._connection, self.ready, self._resume_point = connection, connection.ready, None
        resumption = self._replay_buffer.resume(connection.ready)
        if resumption is not None:
            requests = self._replay_buffer.sent_requests
            connection.resumed(requests.finalizes, ended=requests.ended)
            return connection, Reconnected(resumption.replayed_seconds, resumed=True)
        resumption = self._replay_buffer.attach(connection.ready)
        self._gate = KeytermsGate(start, resumption.replayed_seconds)
        self._merger.resume(resumption.origin)
        event = Connected if first else Reconnected
        return connection, event(resumption.replayed_seconds, resumption.lost_seconds)

    def _detach(self, connection: Connection, error: AuricleError, *, lasted: float) -> None:
        """After a broken connection its server may still have the stream; after an error that it sent it has not."""
        # A connection that lasted counts as progress; one that breaks at once does not, or the loop would never end.
        if lasted > self._policy.max_delay and not began_anew(self._replay_buffer, connection.ready):
            self._attempt = 0
        if isinstance(error, ConnectionFailed):
            connection.abort()
            self._resume_point = connection.resume_point
        else:
            self._connector.ended(connection, error)
        self._replay_buffer.detach(speaking=self._merger.speaking)
        self._input.interrupted()

    async def _reconnect(self, error: AuricleError) -> Connection:
        """A new connection, after `error`.

        Raises:
            AuricleError: The last attempt's, when the policy gives up.
        """
        policy, began = self._connect_policy if self.ready is None else self._policy, _now()
        while True:
            outage = _now() - began
            self._attempt = max(1, self._attempt + (not policy.waits(error, outage)))
            if policy.gives_up(self._attempt, error, outage):
                raise error_of_loss(error, self._attempt, self._replay_buffer)
            await self._wait_for_input(error)
            delay = policy.delay(self._attempt, error, random.random())
            self.events.put_nowait(Reconnecting(self._attempt, delay, error))
            await self._input.wait_for_retry(delay)
            try:
                connection, connected = await self._connect()
            except AuricleError as failure:
                error = failure
                continue
            if isinstance(connected, Connected):
                self._attempt = 0  # from here on the other policy counts
            self.events.put_nowait(connected)
            return connection

    async def _wait_for_input(self, error: AuricleError) -> None:
        """After an idle timeout: without input a new connection would idle too, and hold a slot until it times out."""
        idled = isinstance(error, StreamFailed) and error.code == codes.IDLE_TIMEOUT
        if idled and not self._replay_buffer.awaits_answer:
            await self._input.wait_for_input()


def _now() -> float:
    return asyncio.get_running_loop().time()

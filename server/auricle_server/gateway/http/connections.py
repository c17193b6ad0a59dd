"""The open connections of a gateway, and the sessions that wait to be resumed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Protocol, TypeVar

from auricle.protocol import codes
from auricle_server.gateway.errors import AtCapacity
from auricle_server.gateway.http.websocket import WebSocketHandler
from auricle_server.gateway.session.native_session import NativeSession
from auricle_server.gateway.session.resume.resume_store import ResumeStore
from auricle_server.gateway.session.session import Session
from auricle_server.gateway.workers.slot_lease import SlotLease
from auricle_server.gateway.workers.worker_pool import WorkerPool
from auricle_server.telemetry.log_context import in_stream, note
from auricle_server.telemetry.metrics import Metrics

START_GRACE_SECONDS = 1.0
"""When the server is full, a connection keeps its slot for so long without a `Start`: a few round trips."""
_FLUSH_SECONDS = 2.0
"""How long the worker may take for the last finals of a drain. What it does not answer is settled as far as it came."""
_CLOSE_SECONDS = 0.5
"""How long clients may take for their close frames."""


T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class ConnectionHandler(Protocol[T_co]):
    """What carries a session: a WebSocket, or a request that has brought a recording.

    Attributes:
        session: What it carries.
        cut: Whether the client has gone without saying so.
    """

    session: Session
    cut: bool

    async def run(self) -> T_co:
        """Serves the client until it has gone, or has what it wants."""

    def check_timeouts(self) -> None:
        """Once a second: ends what is idle or stalled."""

    def detach(self) -> None:
        """Another connection has the session now."""

    def abort(self) -> None:
        """Cuts the connection."""


async def until_served(feed: Coroutine[Any, Any, None], send: Coroutine[Any, Any, None], gone: asyncio.Event) -> bool:
    """Feeds a session and sends what it says, until all is said or the client has gone.

    Args:
        feed: Gives the session what the client brings; ends when that is over.
        send: Sends what the session says; ends after its last word.
        gone: Set when the client has gone.

    Returns:
        Whether all was sent.
    """
    feeding, sending, leaving = asyncio.create_task(feed), asyncio.create_task(send), asyncio.create_task(gone.wait())
    tasks: set[asyncio.Task[Any]] = {feeding, sending, leaving}
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if feeding.done() and feeding.exception() is None:
            await asyncio.wait(tasks - {feeding}, return_when=asyncio.FIRST_COMPLETED)
        for task in (feeding, sending):
            if task.done():
                task.result()
        return sending.done()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


class Connections:
    """Connections from their upgrade until their client has gone for good.

    Args:
        resume_seconds: How long a session without a connection is kept.
        metrics: Of the gateway.
    """

    def __init__(self, resume_seconds: float, metrics: Metrics) -> None:
        self._metrics = metrics
        self._handlers: set[ConnectionHandler[object]] = set()
        self._store = ResumeStore(resume_seconds, time.monotonic)
        self._proxied = 0
        self._closing = False
        self._empty = asyncio.Event()
        self._empty.set()

    def __len__(self) -> int:
        """Connections that carry a session of this gateway."""
        return len(self._handlers)

    async def serve(self, handler: ConnectionHandler[T], key: str) -> T:
        """Serves a connection until it closes.

        Args:
            handler: The connection.
            key: Name of its client's API key.

        Returns:
            What the connection has come to.
        """
        session = handler.session
        note(session=session.name, dialect=session.dialect)
        self._handlers.add(handler)
        self._empty.clear()
        self._metrics.streams.inc()
        if isinstance(handler.session, NativeSession):
            self._store.add(handler.session, key)
        try:
            return await handler.run()
        finally:
            self._remove(handler)

    def _remove(self, handler: ConnectionHandler[object]) -> None:
        self._metrics.streams.dec()
        if handler in self._handlers:  # otherwise another connection has resumed the session
            self._handlers.discard(handler)
            # Only a cut keeps the slot for a return. After a close frame of the client's the slot is free at once.
            session = handler.session
            if not isinstance(session, NativeSession):
                session.abandon()
            elif self._closing or not (handler.cut and self._store.keep(session)):
                self._store.remove(session)
                session.abandon()
        self._note_empty()

    def resume(self, token: str, seq: int, handler: WebSocketHandler, key: str) -> NativeSession | None:
        """The session that a client resumes with this connection; None when there is no such session.

        Args:
            token: Of the session.
            seq: Number of the last event that the client has had.
            handler: The new connection.
            key: Name of its client's API key.
        """
        session = self._store.find(token, seq, key)
        if session is not None:
            # The old connection may still look alive: TCP notices a peer that has vanished late, or never.
            for other in [other for other in self._handlers if other.session is session]:
                self._handlers.discard(other)
                other.detach()
            session.resume(seq, handler.wake)
        return session

    @contextmanager
    def proxied(self) -> Iterator[None]:
        """Counts a connection to a stream of another gateway: a drain waits for it like for any other."""
        self._proxied += 1
        self._empty.clear()
        try:
            yield
        finally:
            self._proxied -= 1
            self._note_empty()

    async def reserve(self, workers: WorkerPool, latency_ms: int | None) -> SlotLease:
        """Reserves a slot; where there is none, that of a connection that has not used it.

        Args:
            workers: Of the model.
            latency_ms: As for `WorkerPool.reserve`.

        Raises:
            Refusal: As `WorkerPool.reserve`.
        """
        try:
            return await workers.reserve(latency_ms)
        except AtCapacity:
            if not self._give_up_unstarted():
                raise
            return await workers.reserve(latency_ms)

    def _give_up_unstarted(self) -> bool:
        """Ends the session that has waited longest for its `Start`; returns whether one is old enough."""
        sessions = [handler.session for handler in self._handlers]
        longest = max(sessions, key=lambda session: session.unstarted_seconds, default=None)
        if longest is None or longest.unstarted_seconds < START_GRACE_SECONDS:
            return False
        message = "no start came, and another stream needs the slot; send the start right after the upgrade"
        longest.fail(codes.IDLE_TIMEOUT, message)
        return True

    def check_timeouts(self) -> None:
        """Once a second: ends what is idle, stalled or was not resumed in time."""
        for handler in list(self._handlers):
            in_stream(handler.session.record.fields, handler.check_timeouts)
        self._store.expire()
        self._note_empty()

    def _note_empty(self) -> None:
        if not (self._handlers or self._store or self._proxied):
            self._empty.set()

    # --- at the end --------------------------------------------------------------------------------------------------

    async def drain(self, seconds: float) -> None:
        """Lets the open streams end for `seconds`; makes what the others have said final, and closes them."""
        await self._wait_until_empty(seconds)
        # Nobody has come back to these. Their clients replay on another server what has no final.
        self._store.abandon_all()
        for handler in list(self._handlers):
            in_stream(handler.session.record.fields, handler.session.drain)
        await self._wait_until_empty(_FLUSH_SECONDS)
        await self.close()

    async def close(self) -> None:
        """Closes all connections at once."""
        # From now on `_remove` keeps no session for a return.
        self._closing = True
        self._store.abandon_all()
        for handler in list(self._handlers):
            in_stream(handler.session.record.fields, handler.session.shut_down)
        await self._wait_until_empty(_CLOSE_SECONDS)
        for handler in list(self._handlers):
            handler.abort()

    async def _wait_until_empty(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._empty.wait()

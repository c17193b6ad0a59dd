"""The open connections: who is counted, who is kept to be resumed, and how they end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from aiohttp import web

from auricle.protocol.client_messages import Start
from auricle.protocol.codec import encode_client
from auricle_server.config import DEFAULT_LIMITS
from auricle_server.gateway.http import connections as module
from auricle_server.gateway.http.connections import Connections
from auricle_server.gateway.http.websocket import WebSocketHandler
from auricle_server.gateway.session.event_queue import SessionMetrics
from auricle_server.gateway.session.idle_timer import IdleTimer
from auricle_server.gateway.session.native_session import NativeSession
from auricle_server.telemetry.metrics import Metrics
from tests.auricle_server.gateway.leases import TestLease

IDLE_TIMER = IdleTimer(5.0, 60.0, lambda: 0.0)


class FakeHandler(WebSocketHandler):
    """A connection without a socket; it lasts until the test closes or cuts it."""

    def __init__(self, token: str = "token") -> None:
        self.lease = TestLease()
        self.cut = self.aborted = self.detached = False
        self.checks = 0
        self._over = asyncio.Event()
        self.session = NativeSession(
            self.lease.lease, token, DEFAULT_LIMITS, SessionMetrics(Metrics(), lambda: 0.0), IDLE_TIMER, self.wake
        )
        self.session.receive_text(encode_client(Start()))

    def wake(self) -> None:
        """Closes as the shell does when the session is done."""
        if self.session.done:
            self._over.set()

    async def run(self) -> web.StreamResponse:
        await self._over.wait()
        return web.Response()

    def leave(self, *, cut: bool) -> None:
        self.cut = cut
        self._over.set()

    def check_timeouts(self) -> None:
        self.checks += 1

    def detach(self) -> None:
        self.detached = self.cut = True
        self._over.set()

    def abort(self) -> None:
        self.aborted = True
        self._over.set()


class Bench:
    def __init__(self) -> None:
        self.metrics = Metrics()
        self.connections = Connections(10.0, self.metrics)

    async def serve(self, handler: FakeHandler) -> asyncio.Task[web.StreamResponse]:
        task = asyncio.create_task(self.connections.serve(handler, "key"))
        await asyncio.sleep(0)
        return task

    @property
    def streams(self) -> float | None:
        return self.metrics.registry.get_sample_value("auricle_streams")


@pytest.fixture
async def bench() -> Bench:
    return Bench()


async def test_a_closed_connection_gives_its_slot_back(bench: Bench) -> None:
    handler = FakeHandler()
    serving = await bench.serve(handler)
    assert (len(bench.connections), bench.streams) == (1, 1)
    handler.leave(cut=False)
    await serving
    assert (len(bench.connections), bench.streams, handler.lease.released) == (0, 0, 1)
    assert bench.connections.resume("token", 0, FakeHandler(), "key") is None


async def test_a_cut_connection_is_resumed_by_another(bench: Bench) -> None:
    handler, other = FakeHandler(), FakeHandler()
    handler.session.next_text()
    serving = await bench.serve(handler)
    handler.leave(cut=True)
    await serving
    assert handler.lease.released == 0
    assert bench.connections.resume("token", 1, other, "key") is handler.session


async def test_a_connection_that_only_seems_alive_is_detached(bench: Bench) -> None:
    handler, other = FakeHandler(), FakeHandler()
    handler.session.next_text()
    serving = await bench.serve(handler)
    session = bench.connections.resume("token", 1, other, "key")
    assert session is handler.session
    other.session = session
    resumed = await bench.serve(other)
    await serving
    assert (handler.detached, handler.lease.released, bench.streams) == (True, 0, 1)
    other.leave(cut=False)
    await resumed
    assert handler.lease.released == 1


async def test_a_close_ends_every_session_with_a_reason(bench: Bench) -> None:
    handlers = [FakeHandler("a"), FakeHandler("b")]
    serving = [await bench.serve(handler) for handler in handlers]
    await bench.connections.close()
    await asyncio.gather(*serving)
    assert [handler.session.close_code for handler in handlers] == [1012, 1012]
    assert [handler.lease.released > 0 for handler in handlers] == [True, True]


async def test_a_cut_connection_is_not_kept_while_the_server_closes(bench: Bench) -> None:
    handler = FakeHandler()
    serving = await bench.serve(handler)
    await asyncio.gather(bench.connections.close(), serving)
    assert bench.connections.resume("token", 0, FakeHandler(), "key") is None


async def until_done(task: asyncio.Task[None], act: Callable[[], None]) -> None:
    await asyncio.sleep(0.01)
    assert not task.done()
    act()
    await asyncio.wait_for(task, 5)


async def test_a_drain_waits_for_streams_and_for_proxied_connections(bench: Bench) -> None:
    handler = FakeHandler()
    serving = await bench.serve(handler)
    await until_done(asyncio.create_task(bench.connections.drain(5.0)), lambda: handler.leave(cut=False))
    await serving
    with bench.connections.proxied():
        draining = asyncio.create_task(bench.connections.drain(5.0))
        await asyncio.sleep(0.01)
        assert not draining.done()
    await asyncio.wait_for(draining, 5)


async def test_a_drain_cuts_what_does_not_end(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FLUSH_SECONDS", 0.01)
    monkeypatch.setattr(module, "_CLOSE_SECONDS", 0.01)
    handler = FakeHandler()
    monkeypatch.setattr(handler, "wake", lambda: None)
    handler.session._wake = lambda: None
    serving = await bench.serve(handler)
    await bench.connections.drain(0.01)
    assert handler.aborted
    await serving


async def test_timeouts_are_checked_on_every_connection(bench: Bench) -> None:
    handler = FakeHandler()
    serving = await bench.serve(handler)
    bench.connections.check_timeouts()
    assert handler.checks == 1
    handler.leave(cut=False)
    await serving

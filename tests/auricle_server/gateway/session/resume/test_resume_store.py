"""The sessions that may be resumed: who is kept, for how long, and who is abandoned."""

from __future__ import annotations

import pytest

from auricle.protocol.client_messages import Start
from auricle.protocol.codec import encode_client
from auricle_server.config import DEFAULT_LIMITS
from auricle_server.gateway.session.event_queue import SessionMetrics
from auricle_server.gateway.session.idle_timer import IdleTimer
from auricle_server.gateway.session.native_session import NativeSession
from auricle_server.gateway.session.resume.resume_store import ResumeStore
from auricle_server.telemetry.metrics import Metrics
from tests.auricle_server.gateway.leases import TestLease

IDLE_TIMER = IdleTimer(5.0, 60.0, lambda: 0.0)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(clock: Clock) -> ResumeStore:
    return ResumeStore(10.0, clock)


def opened(token: str | None, *, started: bool = True) -> tuple[NativeSession, TestLease]:
    lease = TestLease()
    session = NativeSession(
        lease.lease, token, DEFAULT_LIMITS, SessionMetrics(Metrics(), lambda: 0.0), IDLE_TIMER, lambda: None
    )
    if started:
        session.receive_text(encode_client(Start()))
        assert session.next_text() is not None
    return session, lease


def test_a_connected_session_may_be_resumed_at_once(store: ResumeStore) -> None:
    session, _ = opened("token")
    store.add(session, "key")
    assert len(store) == 0
    assert store.find("token", 1, "key") is session
    assert store.find("token", 2, "key") is None, "no such event has been sent"
    assert store.find("other", 1, "key") is None


def test_a_cut_session_is_kept_for_its_time(store: ResumeStore, clock: Clock) -> None:
    session, lease = opened("token")
    store.add(session, "key")
    assert store.keep(session)
    assert len(store) == 1
    clock.now = 9.9
    store.expire()
    assert store.find("token", 1, "key") is session
    clock.now = 10.0
    store.expire()
    assert (len(store), store.find("token", 1, "key"), lease.released) == (0, None, 1)


def test_a_resumed_session_does_not_expire(store: ResumeStore, clock: Clock) -> None:
    session, lease = opened("token")
    store.add(session, "key")
    store.keep(session)
    store.add(session, "key")
    clock.now = 100.0
    store.expire()
    assert (len(store), store.find("token", 1, "key"), lease.released) == (0, session, 0)


@pytest.mark.parametrize(("token", "started"), [(None, True), ("token", False)])
def test_what_cannot_be_resumed_is_not_kept(store: ResumeStore, token: str | None, started: bool) -> None:
    session, _ = opened(token, started=started)
    store.add(session, "key")
    assert not store.keep(session)
    assert len(store) == 0


def test_at_the_end_only_sessions_without_a_connection_are_abandoned(store: ResumeStore) -> None:
    (connected, held), (cut, free) = opened("a"), opened("b")
    store.add(connected, "key")
    store.add(cut, "key")
    store.keep(cut)
    store.abandon_all()
    assert (held.released, free.released) == (0, 1)
    store.remove(connected)
    assert store.find("a", 1, "key") is None

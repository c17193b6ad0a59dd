"""A session that is resumed while something goes wrong: the client gets one error, and no event before it."""

from __future__ import annotations

import pytest

from auricle.protocol import codes
from auricle.protocol.client_messages import Start, Update
from auricle.protocol.codec import decode_event, encode_client
from auricle.protocol.server_messages import Error, Ready
from auricle_server.config import DEFAULT_LIMITS
from auricle_server.engine import Engine
from auricle_server.gateway.session.event_queue import SessionMetrics
from auricle_server.gateway.session.idle_timer import IdleTimer
from auricle_server.gateway.session.native_session import NativeSession
from auricle_server.gateway.workers.slot_lease import SlotLease
from auricle_server.ipc.batch_writer import BatchWriter
from auricle_server.ipc.messages import StreamFailure, StreamOpened, UpdateRefused
from auricle_server.model_info import ModelInfo
from auricle_server.telemetry.metrics import Metrics
from auricle_server.worker.factory import model_info

IDLE_TIMER = IdleTimer(5.0, 60.0, lambda: 0.0)


@pytest.fixture
def info(engine: Engine) -> ModelInfo:
    return model_info(engine, 80)


@pytest.fixture
def lease(info: ModelInfo) -> SlotLease:
    return SlotLease(BatchWriter(), lambda number: None, info, 80, StreamOpened(1, 0, 0))


@pytest.fixture
def session(lease: SlotLease) -> NativeSession:
    """One that has started and has said `Ready`."""
    made = NativeSession(
        lease, "token", DEFAULT_LIMITS, SessionMetrics(Metrics(), lambda: 0.0), IDLE_TIMER, lambda: None
    )
    made.receive_text(encode_client(Start()))
    ready = made.next_text()
    assert ready is not None
    assert isinstance(decode_event(ready), Ready)
    return made


def texts(session: NativeSession) -> list[str]:
    return list(iter(session.next_text, None))


def test_a_client_that_resumes_a_failing_stream_gets_that_error_and_nothing_before(
    session: NativeSession, lease: SlotLease
) -> None:
    """An event before `Ready` breaks the protocol, and the client would give the stream up for good."""
    lease.listener(UpdateRefused(1, "an event that waits"))
    session.resume(1, lambda: None)
    lease.listener(StreamFailure(1, codes.WORKER_LOST, "gone"))
    (text,) = texts(session)
    error = decode_event(text)
    assert isinstance(error, Error)
    assert (error.code, error.fatal) == (codes.WORKER_LOST, True)


def test_a_latency_that_the_worker_had_no_time_for_is_not_in_force(session: NativeSession, lease: SlotLease) -> None:
    """Words would be timed by it."""
    for latency_ms in (160, 560):
        session.receive_text(encode_client(Update(latency_ms=latency_ms)))
    lease.listener(UpdateRefused(1, "no time", 160, 80))
    assert latency_in_force(session) == 560
    lease.listener(UpdateRefused(1, "no time", 560, 80))
    assert latency_in_force(session) == 80


def latency_in_force(session: NativeSession) -> int:
    """The latency in the `Ready` of a client that resumes."""
    texts(session)
    session.resume(session._connection._seq, lambda: None)
    session.receive_text(encode_client(Start()))
    ready = decode_event(texts(session)[0])
    assert isinstance(ready, Ready)
    return ready.latency_ms


@pytest.mark.parametrize("first", [b"\0\0", encode_client(Start(sample_rate=8000)), "{}"])
def test_a_client_that_resumes_with_nonsense_gets_an_error_and_nothing_before(
    session: NativeSession, lease: SlotLease, first: bytes | str
) -> None:
    lease.listener(UpdateRefused(1, "an event that waits"))
    session.resume(1, lambda: None)
    if isinstance(first, bytes):
        session.receive_binary(first)
    else:
        session.receive_text(first)
    (text,) = texts(session)
    error = decode_event(text)
    assert isinstance(error, Error)
    assert error.fatal
    assert not session.can_resume(1)


def test_a_backlog_does_not_keep_a_client_from_resuming(session: NativeSession) -> None:
    session.receive_binary(bytes(32_000 * 20))
    assert not session.accepts_input
    session.resume(1, lambda: None)
    assert session.accepts_input
    session.receive_text(encode_client(Start()))
    assert not session.accepts_input

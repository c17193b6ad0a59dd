"""A session without I/O: messages in, texts and a close code out, one lease given back."""

from __future__ import annotations

from typing import Any

import pytest

from auricle.protocol import codes
from auricle.protocol.client_messages import ClientMessage, End, Finalize, Start, Update
from auricle.protocol.codec import decode_event, encode_client
from auricle.protocol.codes import CODES
from auricle.protocol.server_messages import Error, Final, Interim, Ready, ServerEvent, SpeechStarted
from auricle.protocol.settings import TurnSettings
from auricle_server.config import DEFAULT_LIMITS
from auricle_server.gateway.session import session as module
from auricle_server.gateway.session.event_queue import SessionMetrics
from auricle_server.gateway.session.idle_timer import IdleTimer
from auricle_server.gateway.session.native_session import NativeSession
from auricle_server.ipc.messages import FlushStream, StreamFailure, UpdateRefused
from auricle_server.telemetry.metrics import Metrics
from tests.auricle_server.gateway.leases import ONE, STREAM, TWO, TestLease, result

START_SECONDS = 4.0
OFF = TurnSettings(mode="off")


class Bench:
    """A session, its clock, and everything around it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.wakes = 0
        self.metrics = Metrics()
        self.lease = TestLease()
        self.session = NativeSession(
            self.lease.lease,
            "token",
            DEFAULT_LIMITS,
            SessionMetrics(self.metrics, lambda: self.now),
            IdleTimer(START_SECONDS, DEFAULT_LIMITS.idle_seconds, lambda: self.now),
            self._wake,
        )

    def _wake(self) -> None:
        self.wakes += 1

    def send(self, message: ClientMessage) -> list[ServerEvent]:
        self.session.receive_text(encode_client(message))
        return self.events()

    def on_worker(self, item: Any) -> list[ServerEvent]:
        self.lease.lease.listener(item)
        return self.events()

    def events(self) -> list[ServerEvent]:
        events = [decode_event(text) for text in iter(self.session.next_text, None)]
        return [event for event in events if event is not None]

    def count(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(name, labels) or 0.0


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def started(bench: Bench) -> Bench:
    [ready] = bench.send(Start(turn=OFF))
    assert isinstance(ready, Ready)
    bench.lease.sent()
    return bench


def kinds(events: list[ServerEvent]) -> list[type]:
    return [type(event) for event in events]


def only_error(events: list[ServerEvent]) -> Error:
    [error] = events
    assert isinstance(error, Error)
    return error


def test_a_start_is_answered_with_the_settings_in_force(bench: Bench) -> None:
    [ready, notice] = bench.send(Start(keyterms=("Жук",)))
    assert isinstance(ready, Ready)
    assert (ready.session, ready.resume_token, ready.latency_ms) == (bench.session.name, "token", 160)
    assert isinstance(notice, Error)
    assert (notice.code, notice.fatal) == (codes.UNWRITABLE_KEYTERMS, False)
    assert bench.wakes > 0


@pytest.mark.parametrize("first", [b"\0\0", encode_client(End()), "{"])
def test_a_first_message_that_is_no_start_ends_the_session(bench: Bench, first: bytes | str) -> None:
    if isinstance(first, bytes):
        bench.session.receive_binary(first)
    else:
        bench.session.receive_text(first)
    error = only_error(bench.events())
    assert error.fatal
    assert bench.session.close_code == CODES[error.code].close_code
    assert (bench.session.done, bench.lease.released > 0) == (True, True)


def test_half_a_sample_is_refused_before_it_can_shift_the_audio_of_others(started: Bench) -> None:
    """Whole samples are checked here only: no layer below the connection does it again."""
    started.session.receive_binary(b"\0\0")
    started.session.receive_binary(b"abc")
    assert only_error(started.events()).code == codes.BAD_AUDIO
    assert started.lease.sent()[0] == b"\0\0"


def test_a_word_takes_its_way_from_the_worker_to_a_text(started: Bench) -> None:
    started.session.receive_binary(bytes(5120))
    wakes = started.wakes
    events = started.on_worker(result(0.16, ONE))
    assert kinds(events) == [SpeechStarted, Interim]
    assert [event.seq for event in events] == [2, 3]
    assert started.wakes > wakes
    assert started.count("auricle_audio_seconds_total") == pytest.approx(0.16)


def test_an_interim_replaces_one_that_waits(started: Bench) -> None:
    started.lease.lease.listener(result(0.16, ONE))
    started.lease.lease.listener(result(0.32, TWO, frame=2))
    events = started.events()
    assert kinds(events) == [SpeechStarted, Interim]
    assert isinstance(events[1], Interim)
    assert events[1].text == "one two"


def test_a_finalize_is_flushed_answered_and_measured(started: Bench) -> None:
    started.on_worker(result(0.16, ONE))
    assert started.send(Finalize("now")) == []
    assert started.lease.sent()[1] == [FlushStream(STREAM, 1)]
    started.now = 0.5
    [final] = started.on_worker(result(0.16, mark=1))
    assert isinstance(final, Final)
    assert (final.finalize_id, final.text) == ("now", "one")
    assert started.count("auricle_finalize_seconds_sum") == pytest.approx(0.5)


def test_the_answer_to_an_end_closes_normally_and_frees_the_slot(started: Bench) -> None:
    started.on_worker(result(0.16, ONE))
    started.send(End())
    assert started.lease.sent()[1] == [FlushStream(STREAM, 1, last=True)]
    assert (started.session.close_code, started.lease.released) == (None, 0)
    events = started.on_worker(result(0.16, mark=1))
    assert Final in kinds(events)
    assert (started.session.close_code, started.session.done, started.lease.released) == (1000, True, 1)
    assert started.on_worker(result(0.32, TWO, frame=5)) == [], "nothing follows the end"
    assert started.session.resumable, "the last events may still be fetched"


def test_a_refused_setting_leaves_the_stream_as_it_is(started: Bench) -> None:
    error = only_error(started.send(Update(latency_ms=90)))
    assert (error.code, error.fatal) == (codes.UNSUPPORTED_LATENCY, False)
    assert only_error(started.on_worker(UpdateRefused(STREAM, "no time"))).fatal is False
    assert started.session.close_code is None
    assert Interim in kinds(started.on_worker(result(0.16, ONE)))
    assert started.count("auricle_errors_total", code=codes.UNSUPPORTED_LATENCY) == 1
    assert started.count("auricle_errors_total", code=codes.SERVER_FULL) == 1


def test_a_lost_worker_ends_the_session_once(started: Bench) -> None:
    failure = StreamFailure(STREAM, codes.WORKER_LOST, "it has gone")
    assert only_error(started.on_worker(failure)).code == codes.WORKER_LOST
    assert started.on_worker(failure) == []
    assert started.session.close_code == CODES[codes.WORKER_LOST].close_code
    assert not started.session.resumable
    assert started.count("auricle_errors_total", code=codes.WORKER_LOST) == 1


def test_a_worker_may_be_lost_before_the_start(bench: Bench) -> None:
    assert only_error(bench.on_worker(StreamFailure(STREAM, codes.WORKER_LOST, "gone"))).code == codes.WORKER_LOST
    assert bench.session.done


def test_a_failure_of_the_server_is_an_error_in_words(started: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    assert started.session._stream is not None
    monkeypatch.setattr(started.session._stream, "receive_audio", lambda _: 1 // 0)
    started.session.receive_binary(b"\0\0")
    error = only_error(started.events())
    assert (error.code, error.fatal) == (codes.INTERNAL, True)
    assert "logged" in error.message


def test_a_client_that_says_nothing_is_closed(bench: Bench) -> None:
    bench.now = START_SECONDS
    bench.session.check_idle()
    assert bench.events() == []
    assert bench.session.unstarted_seconds == START_SECONDS
    bench.now += 0.1
    bench.session.check_idle()
    assert only_error(bench.events()).code == codes.IDLE_TIMEOUT
    assert bench.session.unstarted_seconds == 0.0


def test_a_started_stream_may_be_silent_for_longer_and_audio_alone_counts(started: Bench) -> None:
    started.now = START_SECONDS + 1
    started.session.check_idle()
    started.session.receive_binary(b"\0\0")
    started.now += DEFAULT_LIMITS.idle_seconds
    started.send(Update(turn=OFF))
    started.session.receive_binary(b"")
    started.session.check_idle()
    assert started.events() == []
    started.now += 0.1
    started.session.check_idle()
    error = only_error(started.events())
    assert (error.code, "no audio for 60 s" in error.message) == (codes.IDLE_TIMEOUT, True)


def test_a_client_that_waits_for_an_answer_is_not_idle(started: Bench) -> None:
    started.session.receive_binary(bytes(32_000))
    started.send(Finalize("f"))
    for _ in range(4):
        started.now += DEFAULT_LIMITS.idle_seconds / 2
        started.session.check_idle()
    assert started.events() == []
    assert kinds(started.on_worker(result(1.0, mark=1))) == [Final]
    started.now += DEFAULT_LIMITS.idle_seconds
    started.send(End())
    started.now += DEFAULT_LIMITS.idle_seconds
    started.session.check_idle()
    assert started.events() == []


def test_a_client_that_is_not_read_is_not_idle(started: Bench) -> None:
    started.session.receive_binary(bytes(round(2 * 16_000 * DEFAULT_LIMITS.buffered_seconds)))
    assert not started.session.accepts_input
    started.now = 2 * DEFAULT_LIMITS.idle_seconds
    started.session.check_idle()
    assert started.events() == []
    started.on_worker(result(1.0))
    assert started.session.accepts_input


def test_a_client_that_does_not_read_is_read_no_further(started: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_UNSENT", 2)
    for _ in range(2):
        started.lease.lease.listener(UpdateRefused(STREAM, "no time"))
    assert not started.session.accepts_input
    started.session.next_text()
    assert started.session.accepts_input


def test_a_drain_makes_the_words_final_and_closes(started: Bench) -> None:
    started.on_worker(result(0.16, ONE))
    started.session.drain()
    assert started.lease.sent()[1] == [FlushStream(STREAM, 1, last=True)]
    started.session.receive_binary(b"\0\0")
    assert started.lease.sent()[0] == b"", "a draining stream takes no more audio"
    [final, error] = started.on_worker(result(0.6, mark=1))
    assert isinstance(final, Final)
    assert final.text == "one"
    assert isinstance(error, Error)
    assert (error.code, error.fatal) == (codes.SHUTTING_DOWN, True)
    assert started.session.close_code == CODES[codes.SHUTTING_DOWN].close_code


def test_a_drain_before_the_start_closes_at_once(bench: Bench) -> None:
    bench.session.drain()
    assert only_error(bench.events()).code == codes.SHUTTING_DOWN


def test_an_abandoned_session_gives_its_slot_back(started: Bench) -> None:
    started.session.abandon()
    assert started.lease.released == 1


def test_a_resumed_session_replays_what_its_client_has_not_had(started: Bench) -> None:
    started.on_worker(result(0.16, ONE))
    assert started.session.can_resume(2)
    wakes: list[int] = []
    started.session.resume(2, lambda: wakes.append(1))
    started.lease.lease.listener(result(0.32, TWO, frame=2))
    assert started.events() == [], "nothing comes before the answer to the start"
    events = started.send(Start(turn=OFF))
    assert kinds(events) == [Ready, Interim, Interim]
    assert [event.seq for event in events[1:]] == [3, 4]
    assert wakes
    assert started.count("auricle_resumed_total") == 1

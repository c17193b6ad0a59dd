"""A session in another wire format: what its dialect is told, and when."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from auricle.protocol import codes
from auricle.protocol.client_messages import End, Start
from auricle.protocol.server_messages import Error, Interim
from auricle.protocol.settings import TurnSettings
from auricle_server.config import DEFAULT_LIMITS
from auricle_server.gateway.session.dialect import AudioProgress, Input, KeepAlive, Output, Reply
from auricle_server.gateway.session.event_queue import SessionMetrics
from auricle_server.gateway.session.idle_timer import IdleTimer
from auricle_server.gateway.session.session import NORMAL, Session
from auricle_server.telemetry.metrics import Metrics
from tests.auricle_server.gateway.leases import ONE, TWO, TestLease, result

OFF = Start(turn=TurnSettings(mode="off"))


class Names:
    """A wire format of single words; says what it is told by the name of its type."""

    name = "names"
    follows_audio = True
    ended = False

    def receive_text(self, text: str) -> Sequence[Input]:
        self.ended = text == "end"
        known: dict[str, Input] = {"end": End(), "alive": KeepAlive(), "hello": Reply("hello to you")}
        return (known[text],)

    def receive_audio(self, data: bytes) -> bytes:
        return data

    def encode(self, output: Output) -> Sequence[str]:
        match output:
            case AudioProgress(seconds):
                return (f"at {seconds:g}",)
            case Interim(text=text):
                return (f"Interim {text}",)
        return (type(output).__name__,)

    def close_code(self, code: str | None) -> int:
        return NORMAL if code is None else 1011


class Bench:
    def __init__(self) -> None:
        self.now = 0.0
        self.lease = TestLease()
        metrics = SessionMetrics(Metrics(), lambda: self.now)
        timer = IdleTimer(4.0, DEFAULT_LIMITS.idle_seconds, lambda: self.now)
        self.session = Session(self.lease.lease, DEFAULT_LIMITS, metrics, timer, lambda: None, Names())
        self.session.begin(OFF)

    def texts(self) -> list[str]:
        return list(iter(self.session.next_text, None))


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_request_may_start_the_stream(bench: Bench) -> None:
    assert bench.texts() == ["Ready", "at 0"]


def test_progress_follows_the_events_of_each_result(bench: Bench) -> None:
    bench.texts()
    bench.lease.lease.listener(result(0.16, ONE))
    assert bench.texts() == ["SpeechStarted", "Interim one", "at 0.16"]
    bench.lease.lease.listener(result(0.32))
    assert bench.texts() == ["at 0.32"]


def test_a_client_that_reads_slowly_gets_the_newest_interim_and_progress(bench: Bench) -> None:
    bench.texts()
    for step in range(1, 5):
        bench.lease.lease.listener(result(0.16 * step, TWO, frame=2 * step))
    newest = [text for text in bench.texts() if text.startswith(("Interim", "at"))]
    assert newest == ["Interim two two two two", "at 0.64"]


def test_the_dialect_has_the_last_word(bench: Bench) -> None:
    bench.lease.lease.listener(result(0.16, ONE))
    bench.session.receive_text("end")
    bench.texts()
    bench.lease.lease.listener(result(0.16, mark=1))
    assert bench.texts()[-2:] == ["Final", "EndAnswered"]
    assert (bench.session.close_code, bench.lease.released) == (NORMAL, 1)


def test_after_an_error_it_has_not(bench: Bench) -> None:
    bench.texts()
    bench.session.fail(codes.INTERNAL, "broken")
    assert bench.texts() == [Error.__name__]
    assert bench.session.close_code == 1011


def test_a_client_that_is_there_without_audio_is_not_idle(bench: Bench) -> None:
    for _ in range(3):
        bench.now += DEFAULT_LIMITS.idle_seconds - 1
        bench.session.receive_text("alive")
        bench.session.check_idle()
    assert bench.session.close_code is None
    bench.now += DEFAULT_LIMITS.idle_seconds + 1
    bench.session.check_idle()
    assert bench.session.failure is not None
    assert bench.session.failure.code == codes.IDLE_TIMEOUT


def test_a_reply_follows_the_events_before_it(bench: Bench) -> None:
    bench.session.receive_text("hello")
    assert bench.texts() == ["Ready", "at 0", "hello to you"]

"""Several streams on one connection: they end together, and the failure of one ends all."""

from __future__ import annotations

import pytest

from auricle.protocol import codes
from auricle_server.config import DEFAULT_LIMITS
from auricle_server.gateway.session.event_queue import SessionMetrics
from auricle_server.gateway.session.idle_timer import IdleTimer
from auricle_server.gateway.session.multichannel_session import MultichannelSession
from auricle_server.gateway.session.session import NORMAL, Session
from auricle_server.ipc.messages import StreamFailure
from auricle_server.telemetry.metrics import Metrics
from tests.auricle_server.gateway.leases import ONE, STREAM, TWO, TestLease, result
from tests.auricle_server.gateway.session.test_session_dialect import OFF, Names


class Bench:
    """Two channels."""

    def __init__(self) -> None:
        self.now, self.wakes = 0.0, 0
        self.leases = TestLease(), TestLease()
        self.session = MultichannelSession(
            self.leases[0].lease, DEFAULT_LIMITS, self._metrics(), self._timer(), self._wake, Names()
        )
        wake_first = self.session.wake_first
        other = Session(self.leases[1].lease, DEFAULT_LIMITS, self._metrics(), self._timer(), wake_first, Names())
        self.session.others = (other,)
        self.session.begin(OFF)
        self.texts()

    def _metrics(self) -> SessionMetrics:
        return SessionMetrics(Metrics(), lambda: self.now)

    def _timer(self) -> IdleTimer:
        return IdleTimer(4.0, DEFAULT_LIMITS.idle_seconds, lambda: self.now)

    def _wake(self) -> None:
        self.wakes += 1

    def texts(self) -> list[str]:
        return list(iter(self.session.next_text, None))


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_all_channels_get_what_comes_and_are_told(bench: Bench) -> None:
    bench.session.receive_binary(b"ab")
    assert [lease.sent()[0] for lease in bench.leases] == [b"ab", b"ab"]
    bench.leases[0].lease.listener(result(0.16, ONE))
    bench.leases[1].lease.listener(result(0.16, TWO))
    assert [text for text in bench.texts() if text.startswith("Interim")] == ["Interim one", "Interim two"]
    assert bench.wakes >= 2


def test_the_connection_ends_with_its_last_channel(bench: Bench) -> None:
    bench.session.receive_text("end")
    bench.leases[0].lease.listener(result(0.16, mark=1))
    assert (bench.session.close_code, bench.session.done) == (NORMAL, False)
    bench.leases[1].lease.listener(result(0.16, mark=1))
    assert bench.session.done
    assert bench.texts()[-1] == "EndAnswered"
    assert [lease.released for lease in bench.leases] == [1, 1]


def test_the_failure_of_one_channel_ends_all(bench: Bench) -> None:
    bench.leases[1].lease.listener(StreamFailure(STREAM, codes.WORKER_LOST, "it has gone"))
    assert bench.session.done
    assert bench.session.failure is not None
    assert (bench.session.close_code, bench.session.failure.code) == (1011, codes.WORKER_LOST)
    assert bench.texts() == ["Error"]
    assert min(lease.released for lease in bench.leases) > 0


def test_an_idle_connection_ends_with_all_its_channels(bench: Bench) -> None:
    bench.now += DEFAULT_LIMITS.idle_seconds + 1
    bench.session.check_idle()
    assert bench.session.done
    assert min(lease.released for lease in bench.leases) > 0


def test_a_shutdown_ends_all_channels(bench: Bench) -> None:
    bench.session.drain()
    for lease in bench.leases:
        lease.lease.listener(result(0.16, mark=1))
    bench.session.shut_down()
    assert bench.session.done
    assert min(lease.released for lease in bench.leases) > 0

"""How long a slot may be held without a start, and without audio."""

from __future__ import annotations

import pytest

from auricle_server.gateway.session.idle_timer import IdleTimer


class Bench:
    def __init__(self) -> None:
        self.now = 100.0
        self.timer = IdleTimer(5.0, 60.0, lambda: self.now)

    def expired(self, audio_time: float = 0.0, *, owes_answer: bool = False, reads: bool = True) -> bool:
        return self.timer.expired(audio_time, owes_answer=owes_answer, reads=reads) is not None


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_start_has_its_time_on_every_connection(bench: Bench) -> None:
    for _ in range(2):
        bench.now += 5
        assert not bench.expired()
        bench.now += 0.1
        assert bench.timer.expired(0.0, owes_answer=True, reads=False) == (
            "no start for 5 s; send it right after the upgrade"
        )
        bench.timer.on_start()
        bench.now += 60
        assert not bench.expired()
        bench.timer.wait_for_start()


def test_audio_begins_the_time_anew(bench: Bench) -> None:
    bench.timer.on_start()
    for _ in range(3):
        bench.now += 50
        assert not bench.expired()
        bench.timer.on_audio()
    bench.now += 60.1
    assert bench.timer.seconds == pytest.approx(60.1)
    assert bench.expired()


@pytest.mark.parametrize("busy", [{"owes_answer": True}, {"reads": False}])
def test_what_the_server_has_not_done_is_not_the_clients_silence(bench: Bench, busy: dict[str, bool]) -> None:
    bench.timer.on_start()
    bench.now += 100
    assert not bench.expired(**busy)


def test_nor_is_audio_that_is_decoded_late(bench: Bench) -> None:
    bench.timer.on_start()
    for second in range(10):
        bench.now += 50
        assert not bench.expired(float(second + 1))
    bench.now += 61
    assert bench.expired(10.0)

from __future__ import annotations

import numpy as np
import pytest

from auricle_server.bench.fleet.calls import DAY, NONE, CallPool, Calls, Traffic, joined


def test_calls_have_the_mean_length_and_those_that_are_met_are_longer() -> None:
    traffic, rng = Traffic(1000, mean_seconds=180, spread=0.9), np.random.default_rng(1)
    assert traffic.lengths(rng, 200_000).mean() == pytest.approx(180, rel=0.03)
    # What is left of a call that is met at a random moment: half of the mean square over the mean.
    expected = 180 * np.exp(0.9**2) / 2
    assert traffic.remaining(rng, 400_000).mean() == pytest.approx(expected, rel=0.03)


def test_calls_follow_the_day_and_bursts() -> None:
    traffic = Traffic(1800, mean_seconds=180, lowest=0.2, peak_at=DAY / 2)
    assert traffic.rate(DAY / 2) == pytest.approx(10)
    assert traffic.rate(0.0) == pytest.approx(2)
    burst = Traffic(1800, mean_seconds=180, bursts=((60.0, 30.0, 0.5),))
    assert [burst.rate(now) for now in (59.0, 60.0, 89.0, 90.0)] == [10, 15, 15, 10]
    rng = np.random.default_rng(1)
    assert np.mean([burst.arrivals(rng, 0.0, 0.5) for _ in range(2000)]) == pytest.approx(5, rel=0.05)


@pytest.mark.parametrize("seed", range(4))
def test_each_call_ends_once_and_when_it_should(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pool = CallPool()
    added: list[int] = []
    seen: list[int] = []
    for tick in range(300):
        ended = pool.ended(tick)
        assert (ended.ends <= tick).all()
        seen += ended.places.tolist()
        # As the fleet does: whatever comes now ends later.
        ends = tick + rng.integers(1, 150, int(rng.integers(0, 4)))
        calls = Calls(ends, np.arange(len(added), len(added) + len(ends)))
        added += ends.tolist()
        pool.add(calls)
    assert sorted(seen) == [place for place, end in enumerate(added) if end < 300]


def test_the_calls_of_a_server_are_taken_wherever_they_are() -> None:
    pool = CallPool()
    pool.ended(0)
    # Two proxies and three servers: places 1 and 4 are server 1. One call ends soon, one much later.
    pool.add(Calls(np.array([5, 5, 500, 500]), np.array([1, 2, 4, 0])))
    taken = pool.take(np.array([False, True, False]), proxies=2)
    assert sorted(taken.places.tolist()) == [1, 4]
    left = joined([pool.ended(tick) for tick in range(1, 501)])
    assert sorted(left.places.tolist()) == [0, 2]
    assert len(pool.take(np.array([True, True, True]), proxies=2)) == 0
    assert len(joined([NONE, NONE])) == 0

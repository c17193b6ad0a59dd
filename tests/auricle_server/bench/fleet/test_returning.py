from __future__ import annotations

import numpy as np
import pytest

from auricle.errors import ConnectionFailed, ServerFull
from auricle.reconnect import ReconnectPolicy
from auricle_server.bench.fleet import returning
from auricle_server.bench.fleet.returning import RETRY_AFTER, WaitingCalls, delays_of, percentiles

LONG = 10_000


@pytest.mark.parametrize("policy", [ReconnectPolicy(), ReconnectPolicy(first_delay=3.0, max_delay=9.0, jitter=0.2)])
def test_delays_are_those_of_the_clients_policy(policy: ReconnectPolicy) -> None:
    rng = np.random.default_rng(0)
    attempts, draws = rng.integers(1, 12, 200), rng.random(200)
    for mine, theirs in (
        (returning._LOST, ConnectionFailed("lost", "gone")),
        (returning._FULL, ServerFull(RETRY_AFTER)),
    ):
        expected = [policy.delay(int(attempt), theirs, draw) for attempt, draw in zip(attempts, draws, strict=True)]
        assert delays_of(policy, attempts, mine, draws) == pytest.approx(expected)


def test_a_lost_call_tries_again_and_gives_up_when_its_client_does() -> None:
    waiting = WaitingCalls(0.5, np.random.default_rng(0), ReconnectPolicy(attempts=3))
    waiting.lose(np.array([LONG]), 10, np.array([4.0]))
    attempts, now = [], 10
    while len(waiting):
        now += 1
        due = waiting.due(now)
        if len(due):
            attempts.append(now)
            waiting.refuse(due, now)
    assert len(attempts) == 3
    assert 10 + (4.0 + 0.1) / 0.5 <= attempts[0] <= 10 + (4.0 + 0.2) / 0.5 + 1
    # A full server names the time after which to ask again.
    assert min(np.diff(attempts)) >= RETRY_AFTER / 0.5
    assert waiting.given_up == 1


def test_a_call_that_ends_meanwhile_does_not_come_back() -> None:
    waiting = WaitingCalls(1.0, np.random.default_rng(0), ReconnectPolicy())
    waiting.lose(np.array([12, LONG]), 10, np.array([20.0, 20.0]))
    back = [waiting.due(now) for now in range(11, 40)]
    assert sum(map(len, back)) == 1
    assert (len(waiting), waiting.given_up) == (0, 0)


def test_percentiles_of_nothing_are_zero() -> None:
    assert set(percentiles([]).values()) == {0.0}
    assert percentiles([np.array([1.0, 3.0]), np.array([2.0])])["p50"] == 2.0

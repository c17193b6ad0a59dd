from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auricle import ConnectionFailed, ReconnectPolicy, Refused, ServerFull, ServerRestarting

LOST = ConnectionFailed("lost", "it broke")


def test_delays_double_up_to_the_cap() -> None:
    policy = ReconnectPolicy(first_delay=0.2, max_delay=1.0, jitter=0.0)
    assert [policy.delay(attempt, LOST, 0.7) for attempt in (1, 2, 3, 4, 5)] == [0.2, 0.4, 0.8, 1.0, 1.0]


@given(st.integers(1, 10_000), st.floats(0, 1), st.floats(0, 1))
def test_jitter_only_shortens_and_never_beyond_its_share(attempt: int, jitter: float, draw: float) -> None:
    whole = ReconnectPolicy(jitter=0.0).delay(attempt, LOST, draw)
    delay = ReconnectPolicy(jitter=jitter).delay(attempt, LOST, draw)
    assert whole * (1 - jitter) - 1e-9 <= delay <= whole


def test_a_full_server_says_when_to_come_back() -> None:
    policy = ReconnectPolicy(first_delay=0.2, jitter=0.0)
    assert policy.delay(1, ServerFull(7.0), 0.0) == 7.0
    assert policy.delay(1, ServerFull(86_400.0), 0.0) == 60.0
    assert policy.delay(1, ServerFull(0.0), 0.0) == 0.2
    assert policy.delay(1, ServerFull(), 0.0) == 0.2


def test_giving_up() -> None:
    policy = ReconnectPolicy(attempts=2)
    assert [policy.gives_up(attempt, LOST) for attempt in (1, 2, 3)] == [False, False, True]
    assert policy.gives_up(1, Refused(401, "no key"))
    assert ReconnectPolicy(attempts=0).gives_up(1, LOST)


@pytest.mark.parametrize(
    "bad", [{"attempts": -1}, {"jitter": 1.1}, {"jitter": -0.1}, {"first_delay": -1.0}, {"replay_seconds": -1.0}]
)
def test_a_policy_that_exists_makes_sense(bad: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must"):
        ReconnectPolicy(**bad)


def test_a_full_server_is_not_given_up_when_the_policy_waits_for_it() -> None:
    policy = ReconnectPolicy(attempts=0, wait_while_full=True)
    assert not policy.gives_up(1000, ServerFull())
    assert policy.gives_up(1, ConnectionFailed("lost", "gone"))
    assert ReconnectPolicy(attempts=0).gives_up(1, ServerFull())


def test_a_server_that_restarts_says_when_to_come_back_as_well() -> None:
    policy = ReconnectPolicy(first_delay=0.2, jitter=0.0)
    assert policy.delay(1, ServerRestarting(retry_after=1.0), 0.0) == 1.0
    assert policy.delay(1, ServerRestarting(retry_after=86_400.0), 0.0) == 60.0
    assert policy.delay(1, ServerRestarting(), 0.0) == 0.2


def test_attempts_on_a_server_that_restarts_are_not_counted_while_the_replay_suffices() -> None:
    policy, restarting = ReconnectPolicy(attempts=2, replay_seconds=30.0), ServerRestarting()
    assert policy.waits(restarting, 29.9)
    assert not policy.gives_up(1000, restarting, 29.9)
    assert not policy.waits(restarting, 30.0)
    assert policy.gives_up(3, restarting, 30.0)
    assert not policy.waits(LOST, 0.0)
    assert not policy.waits(ServerFull(), 0.0)
    never = ReconnectPolicy(attempts=0)
    assert not never.waits(restarting, 0.0)
    assert never.gives_up(1, restarting, 0.0)

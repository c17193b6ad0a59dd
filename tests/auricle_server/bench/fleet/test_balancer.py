from __future__ import annotations

import numpy as np
import pytest

from auricle_server.bench.fleet.balancer import accepted, spread


def one_after_the_other(counts: list[int], arrivals: int, eligible: list[bool], order: list[int]) -> list[int]:
    """Least connections, stream by stream: the first in `order` of the servers with the fewest."""
    now, given = list(counts), [0] * len(counts)
    for _ in range(arrivals if any(eligible) else 0):
        server = min((each for each in order if eligible[each]), key=lambda each: now[each])
        now[server] += 1
        given[server] += 1
    return given


@pytest.mark.parametrize("seed", range(12))
def test_at_once_is_as_one_after_the_other(seed: int) -> None:
    rng = np.random.default_rng(seed)
    proxies, servers = int(rng.integers(1, 5)), int(rng.integers(1, 12))
    counts = rng.integers(0, 8, (proxies, servers))
    arrivals = rng.integers(0, 30, proxies)
    eligible = rng.random(servers) < 0.8
    given = spread(counts, arrivals, eligible, rng.permutation(servers))
    for proxy in range(proxies):
        alone = one_after_the_other(
            counts[proxy].tolist(), int(arrivals[proxy]), eligible.tolist(), list(range(servers))
        )
        # Which of equally full servers comes first does not matter: the numbers of streams afterwards are the same.
        assert sorted(counts[proxy] + given[proxy]) == sorted(counts[proxy] + np.array(alone))
        assert given[proxy].sum() == sum(alone)
        assert not given[proxy][~eligible].any()


def test_servers_that_are_equally_full_take_turns_by_the_order() -> None:
    counts, eligible = np.zeros((1, 4), np.int64), np.ones(4, np.bool_)
    given = spread(counts, np.array([2]), eligible, np.array([3, 1, 0, 2]))
    assert given.tolist() == [[0, 1, 0, 1]]


def test_an_empty_server_gets_all_until_it_has_caught_up() -> None:
    counts = np.array([[10, 10, 0]])
    everywhere = np.ones(3, np.bool_)
    assert spread(counts, np.array([10]), everywhere, np.arange(3)).tolist() == [[0, 0, 10]]
    assert spread(counts, np.array([13]), everywhere, np.arange(3)).tolist() == [[1, 1, 11]]


def test_large_counts_and_small_ones_are_spread_alike() -> None:
    small, large = np.array([[3, 1, 2]]), np.array([[3, 1, 2]]) + (1 << 40)
    arguments = np.array([5]), np.ones(3, np.bool_), np.arange(3)
    assert spread(small, *arguments).tolist() == spread(large, *arguments).tolist() == [[0, 3, 2]]


@pytest.mark.parametrize("seed", range(6))
def test_a_server_takes_what_it_has_room_for_whoever_sends_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    assigned, free = rng.integers(0, 6, (4, 7)), rng.integers(-3, 12, 7)
    taken = accepted(assigned, free, rng.permutation(4))
    assert (taken <= assigned).all()
    assert (taken >= 0).all()
    assert taken.sum(axis=0).tolist() == np.minimum(assigned.sum(axis=0), np.maximum(free, 0)).tolist()

from __future__ import annotations

import random

import pytest

from auricle_server.engine.scheduling.slot_pool import TRASH_SLOT, SlotPool
from auricle_server.engine.types import Lease, NoSlot


def test_free_plus_used_is_always_the_total() -> None:
    pool, leases, rng = SlotPool(5), list[Lease](), random.Random(0)
    for _ in range(500):
        if leases and (pool.used == 5 or rng.random() < 0.5):
            pool.release(leases.pop(rng.randrange(len(leases))))
        else:
            leases.append(pool.take())
        assert pool.used == len(leases)
        assert len({lease.slot for lease in leases}) == len(leases)
        assert TRASH_SLOT not in {lease.slot for lease in leases}


def test_a_lease_is_never_issued_twice() -> None:
    pool = SlotPool(1)
    ids = set()
    for _ in range(20):
        lease = pool.take()
        ids.add(lease.id)
        pool.release(lease)
    assert len(ids) == 20


def test_a_full_pool_says_so() -> None:
    pool = SlotPool(1)
    pool.take()
    with pytest.raises(NoSlot, match="all 1 slots"):
        pool.take()


def test_a_lease_ends_once() -> None:
    pool = SlotPool(2)
    lease = pool.take()
    pool.release(lease)
    with pytest.raises(KeyError):
        pool.release(lease)


def test_a_pool_has_a_slot() -> None:
    with pytest.raises(ValueError, match="at least one"):
        SlotPool(0)

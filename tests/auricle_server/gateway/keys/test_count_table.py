"""Counts: what is held, and how many events the last minute had."""

from __future__ import annotations

import random
import time

import pytest

from auricle_server.gateway.keys.count_table import CountTable
from auricle_server.gateway.keys.shared_counts import ENTRIES, SharedCounts


@pytest.fixture
def table() -> CountTable:
    return CountTable(SharedCounts())


def test_what_is_held(table: CountTable) -> None:
    for change in (1, 1, 1, -1):
        table.hold("key", change)
    table.hold("other", 1)
    assert (table.held("key"), table.held("other"), table.held("none")) == (2, 1, 0)


def test_two_gateways_are_added_up_and_what_a_process_held_is_lost_with_it() -> None:
    counts, now = SharedCounts(2), time.monotonic()
    tables = [CountTable(counts, row) for row in (0, 1)]
    for table in tables:
        table.hold("key", 2)
        table.add_event("key", now)
    assert [table.held("key") for table in tables] == [4, 4]
    assert tables[0].lost("key", now) == 0
    CountTable(counts, 1)
    assert (tables[0].held("key"), tables[0].events("key", now), tables[0].lost("key", now)) == (2, 2, 2)
    tables[0].lose("key", now)
    assert (tables[1].lost("key", now + 1), tables[1].lost("key", now + 70), tables[1].lost("other", now)) == (3, 0, 0)


def test_an_event_counts_for_a_minute(table: CountTable) -> None:
    table.add_event("key", 1002.0)
    assert [table.events("key", 1002.0 + later) for later in (0, 59.9, 62.9, 63.1, 1e6)] == [1, 1, 1, 0, 0]
    assert table.seconds_until_below("key", 1, 1002.0) == pytest.approx(63.0)
    assert table.seconds_until_below("key", 2, 1002.0) == 0.0
    assert table.seconds_until_below("none", 1, 1002.0) == 0.0


def test_an_event_is_taken_back(table: CountTable) -> None:
    for _ in range(3):
        table.add_event("key", 10.0)
    table.add_event("key", 10.0, -1)
    assert table.events("key", 12.0) == 2


def test_no_minute_ever_has_more_than_was_let_through(table: CountTable) -> None:
    generator, now, taken = random.Random(3), 0.0, []
    for _ in range(3000):
        now += generator.expovariate(1.0) if generator.random() < 0.9 else 40.0
        wait = table.seconds_until_below("key", 7, now)
        assert (wait > 0) == (table.events("key", now) >= 7)
        assert table.events("key", now + wait + 1e-6) < 7
        if wait == 0:
            table.add_event("key", now)
            taken.append(now)
    assert len(taken) > 300
    assert all(later - earlier >= 60.0 for earlier, later in zip(taken, taken[7:], strict=False))


def test_a_flood_of_names_takes_no_more_room_and_forgets_nothing_that_is_held(table: CountTable) -> None:
    table.hold("key", 1)
    for number in range(ENTRIES + 500):
        table.add_event(f"address {number}", 10.0 + number * 0.001)
    assert table.held("key") == 1
    assert table.events(f"address {ENTRIES + 499}", 20.0) == 1
    assert table.events("address 0", 20.0) == 0, "the oldest made room"

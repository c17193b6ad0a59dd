"""Reads and writes the counts that the gateways of one server share."""

from __future__ import annotations

import hashlib
import os
import time
from typing import Any

import numpy as np

from auricle_server.gateway.keys.shared_counts import BUCKETS, ENTRIES, SharedCounts

_BUCKET_SECONDS = 5.0
_ID_BYTES = 8
_LOST = 1 << 40
"""What makes the identity of a name that of its losses."""


class CountTable:
    """What one gateway counts, and what all gateways have counted.

    For each name there is the number of things that are held now, the number of events in the last minute, and the
    number of things that the server has lost in that time.

    Args:
        counts: The memory.
        row: Number of the gateway. What an earlier process of this number held when it died counts as lost.
    """

    def __init__(self, counts: SharedCounts, row: int = 0) -> None:
        table = counts.table()
        parts = np.split(table, np.cumsum([1, ENTRIES, ENTRIES, ENTRIES * BUCKETS]), axis=1)
        by_bucket = (len(table), ENTRIES, BUCKETS)
        self._pids = parts[0][:, 0]
        self._ids, self._held = parts[1], parts[2]
        self._times, self._events = parts[3].reshape(by_bucket), parts[4].reshape(by_bucket)
        self._row = row
        for entry in np.flatnonzero(self._held[row] > 0):
            identity, held = int(self._ids[row, entry]), int(self._held[row, entry])
            self._held[row, entry] = 0
            self._add_event(identity ^ _LOST, time.monotonic(), held)
        self._pids[row] = os.getpid()

    # --- this gateway ------------------------------------------------------------------------------------------------

    def hold(self, name: str, change: int) -> None:
        """Holds one more, or one less."""
        self._held[self._row, self._own_entry(_identity(name))] += change

    def lose(self, name: str, now: float) -> None:
        """One that was held has ended through the server's fault."""
        self._add_event(_identity(name) ^ _LOST, now, 1)

    def add_event(self, name: str, now: float, change: int = 1) -> None:
        """Counts an event.

        Args:
            name: What it happens to.
            now: Monotonic seconds, whose beginning all processes of a machine share.
            change: -1 takes the event of the same time back.
        """
        self._add_event(_identity(name), now, change)

    def _add_event(self, identity: int, now: float, change: int) -> None:
        entry, number = self._own_entry(identity), int(now // _BUCKET_SECONDS)
        times, events = self._times[self._row, entry], self._events[self._row, entry]
        bucket = number % BUCKETS
        if times[bucket] != number:
            # In this order: another process may read in between.
            events[bucket] = 0
            times[bucket] = number
        events[bucket] = max(0, events[bucket] + change)

    def _own_entry(self, identity: int) -> int:
        ids = self._ids[self._row]
        found = np.flatnonzero(ids == identity)
        if found.size:
            return int(found[0])
        free = np.flatnonzero(ids == 0)
        entry = int(free[0]) if free.size else self._oldest_entry()
        ids[entry] = 0
        self._held[self._row, entry] = 0
        self._events[self._row, entry] = 0
        ids[entry] = identity
        return entry

    def _oldest_entry(self) -> int:
        """Among the entries that hold nothing, the one whose last event is the oldest."""
        last = self._times[self._row].max(axis=1)
        return int(np.where(self._held[self._row] > 0, np.iinfo(np.int64).max, last).argmin())

    # --- all gateways ------------------------------------------------------------------------------------------------

    def held(self, name: str) -> int:
        """How many are held now."""
        rows, entries = self._entries(_identity(name))
        return sum(int(self._held[row, entry]) for row, entry in zip(rows, entries, strict=True) if self._runs(row))

    def events(self, name: str, now: float) -> int:
        """How many events the last minute has had, or up to five seconds more."""
        return sum(self._recent(_identity(name), now).values())

    def lost(self, name: str, now: float) -> int:
        """How many the last minute has lost, those included that a gateway held which has died since."""
        identity = _identity(name)
        rows, entries = self._entries(identity)
        held = (int(self._held[row, entry]) for row, entry in zip(rows, entries, strict=True) if not self._runs(row))
        return sum(self._recent(identity ^ _LOST, now).values()) + sum(held)

    def seconds_until_below(self, name: str, most: int, now: float) -> float:
        """Seconds until there are fewer than `most` events; 0 when that is so."""
        recent = self._recent(_identity(name), now)
        left, seconds = sum(recent.values()), 0.0
        for number, events in sorted(recent.items()):
            if left < most:
                break
            left -= events
            seconds = (number + BUCKETS) * _BUCKET_SECONDS - now
        return seconds

    def _recent(self, identity: int, now: float) -> dict[int, int]:
        """Events of the last minute by bucket, those of gateways that have died included."""
        entries, newest = self._entries(identity), int(now // _BUCKET_SECONDS)
        numbers, events = self._times[entries].ravel().tolist(), self._events[entries].ravel().tolist()
        recent: dict[int, int] = {}
        for number, happened in zip(numbers, events, strict=True):
            if happened > 0 and number > newest - BUCKETS:
                recent[number] = recent.get(number, 0) + happened
        return recent

    def _entries(self, identity: int) -> tuple[Any, Any]:
        """Rows and entries of a name."""
        rows, entries = np.nonzero(self._ids == identity)
        return rows, entries

    def _runs(self, row: int) -> bool:
        """Whether the gateway of a row runs."""
        try:
            os.kill(int(self._pids[row]), 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True


def _identity(name: str) -> int:
    """64 bits that stand for the name, the same in all processes; never 0, which marks a free entry."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=_ID_BYTES).digest(), "little", signed=True) or 1

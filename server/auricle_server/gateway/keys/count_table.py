"""Reads and writes the counts that the gateways of one server share."""

from __future__ import annotations

import hashlib
import os
from typing import Any

import numpy as np

from auricle_server.gateway.keys.shared_counts import BUCKETS, ENTRIES, SharedCounts

_BUCKET_SECONDS = 5.0
_ID_BYTES = 8


class CountTable:
    """What one gateway counts, and what all gateways have counted.

    For each name there is the number of things that are held now, and the number of events in the last minute.

    Args:
        counts: The memory.
        row: Number of the gateway. What an earlier process of this number has counted is forgotten.
    """

    def __init__(self, counts: SharedCounts, row: int = 0) -> None:
        table = counts.table()
        parts = np.split(table, np.cumsum([1, ENTRIES, ENTRIES, ENTRIES * BUCKETS]), axis=1)
        by_bucket = (len(table), ENTRIES, BUCKETS)
        self._pids = parts[0][:, 0]
        self._ids, self._held = parts[1], parts[2]
        self._times, self._events = parts[3].reshape(by_bucket), parts[4].reshape(by_bucket)
        self._row = row
        table[row] = 0
        self._pids[row] = os.getpid()

    # --- this gateway ------------------------------------------------------------------------------------------------

    def hold(self, name: str, change: int) -> None:
        """Holds one more, or one less."""
        self._held[self._row, self._own_entry(name)] += change

    def add_event(self, name: str, now: float, change: int = 1) -> None:
        """Counts an event.

        Args:
            name: What it happens to.
            now: Monotonic seconds, whose beginning all processes of a machine share.
            change: -1 takes the event of the same time back.
        """
        entry, time = self._own_entry(name), int(now // _BUCKET_SECONDS)
        times, events = self._times[self._row, entry], self._events[self._row, entry]
        bucket = time % BUCKETS
        if times[bucket] != time:
            # In this order: another process may read in between.
            events[bucket] = 0
            times[bucket] = time
        events[bucket] = max(0, events[bucket] + change)

    def _own_entry(self, name: str) -> int:
        identity = _identity(name)
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
        return int(self._held[self._entries(name)].sum())

    def events(self, name: str, now: float) -> int:
        """How many events the last minute has had, or up to five seconds more."""
        return sum(self._recent(name, now).values())

    def seconds_until_below(self, name: str, most: int, now: float) -> float:
        """Seconds until there are fewer than `most` events; 0 when that is so."""
        recent = self._recent(name, now)
        left, seconds = sum(recent.values()), 0.0
        for time, events in sorted(recent.items()):
            if left < most:
                break
            left -= events
            seconds = (time + BUCKETS) * _BUCKET_SECONDS - now
        return seconds

    def _recent(self, name: str, now: float) -> dict[int, int]:
        """Events of the last minute by bucket."""
        entries, newest = self._entries(name), int(now // _BUCKET_SECONDS)
        times, events = self._times[entries].ravel().tolist(), self._events[entries].ravel().tolist()
        recent: dict[int, int] = {}
        for time, number in zip(times, events, strict=True):
            if number > 0 and time > newest - BUCKETS:
                recent[time] = recent.get(time, 0) + number
        return recent

    def _entries(self, name: str) -> tuple[Any, Any]:
        """The entries of a name in the rows of gateways that run."""
        rows, entries = np.nonzero(self._ids == _identity(name))
        running = [_runs(int(self._pids[row])) for row in rows]
        return rows[running], entries[running]


def _identity(name: str) -> int:
    """64 bits that stand for the name, the same in all processes; never 0, which marks a free entry."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=_ID_BYTES).digest(), "little", signed=True) or 1


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

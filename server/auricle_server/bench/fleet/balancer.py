"""Proxies that send each stream to the server with the fewest, as `balance leastconn` in deploy/haproxy does.

All streams that arrive within a tick are spread at once. The result is that of one after the other, but for which of
several servers with equally many streams comes first.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

RETRIES = 5
"""As in deploy/haproxy: after so many further servers have refused a stream, its client gets the refusal."""


def spread(counts: Ints, arrivals: Ints, eligible: Bools, order: Ints) -> Ints:
    """How many of each proxy's new streams each server gets, [proxies, servers].

    Args:
        counts: Streams that each proxy has on each server, [proxies, servers].
        arrivals: New streams of each proxy, [proxies].
        eligible: Servers that take streams, as far as the proxies know, [servers].
        order: In which order servers with equally many streams get them, a permutation of their numbers, [servers].
    """
    assigned = np.zeros_like(counts)
    columns = order[eligible[order]]
    if not len(columns):
        return assigned
    # Count and place in one number, so that a plain sort keeps the place.
    bits = len(columns).bit_length()
    # A sort of narrow numbers takes half the time.
    narrow: type[np.int32 | np.int64] = np.int32 if int(counts.max()) < 1 << (31 - bits) else np.int64
    keys: Ints = (counts[:, columns] << bits) | np.arange(len(columns))
    keys = np.sort(keys.astype(narrow), axis=1)
    ascending, place = (keys >> bits).astype(np.int64), keys & ((1 << bits) - 1)
    sums = np.cumsum(ascending, axis=1)
    position = np.arange(len(columns))
    # What it takes to raise all servers before one to the level of that one.
    to_level = position * ascending - (sums - ascending)
    filled = (to_level <= arrivals[:, None]).sum(axis=1)
    total = arrivals + sums[np.arange(len(sums)), filled - 1]
    level, extra = np.divmod(total, filled)
    among = position < filled[:, None]
    given = np.where(among, level[:, None] - ascending + (position < extra[:, None]), 0)
    np.put_along_axis(assigned, columns[place], given, axis=1)
    return assigned


def accepted(assigned: Ints, free: Ints, order: Ints) -> Ints:
    """Of the streams that proxies send to servers, those that there is room for, [proxies, servers].

    Args:
        assigned: What they send, [proxies, servers].
        free: Streams that each server would still take, [servers].
        order: In which order the proxies' streams arrive, a permutation of their numbers, [proxies].
    """
    arrived = np.minimum(np.cumsum(assigned[order], axis=0), np.maximum(free, 0))
    taken = np.empty_like(assigned)
    taken[order] = np.diff(arrived, axis=0, prepend=0)
    return taken

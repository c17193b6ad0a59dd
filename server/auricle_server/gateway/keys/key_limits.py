"""How many streams a key may have, and open in a minute, over all gateways and workers of a server."""

from __future__ import annotations

import asyncio
import itertools
import math
import random
import time

from auricle_server.gateway.errors import TooManyStreams
from auricle_server.gateway.keys.api_key import ApiKey
from auricle_server.gateway.keys.count_table import CountTable
from auricle_server.gateway.keys.shared_counts import SharedCounts

_ATTEMPTS = 4
_LONGEST_PAUSE = 0.01


class KeyLease:
    """One stream that a key has.

    Args:
        counts: Where it is counted.
        key: Whose stream.
        opened: When it was opened, in monotonic seconds.
    """

    def __init__(self, counts: CountTable, key: ApiKey, opened: float) -> None:
        self._counts = counts
        self._name = key.name
        self._opened = opened
        self._held = True
        counts.hold(self._name, 1)
        counts.add_event(self._name, opened)

    def release(self) -> None:
        """The stream has ended; may be called twice."""
        if self._held:
            self._held = False
            self._counts.hold(self._name, -1)

    def lose(self) -> None:
        """The stream has ended through the server's fault: its client may open it again at once."""
        if self._held:
            self._counts.lose(self._name, time.monotonic())
        self.release()

    def cancel(self) -> None:
        """The stream never began, through no fault of its client: it does not count as opened either."""
        self.release()
        self._counts.add_event(self._name, self._opened, -1)


class KeyLimits:
    """Hands out the streams of keys.

    Args:
        counts: Of the server.
        row: Number of this gateway.
    """

    def __init__(self, counts: SharedCounts, row: int = 0) -> None:
        self._counts = CountTable(counts, row)

    async def take(self, key: ApiKey) -> KeyLease:
        """A stream of the key.

        Raises:
            TooManyStreams: The key has as many as it may, or has opened as many in the last minute.
        """
        for attempt in itertools.count(1):
            now = time.monotonic()
            self._check(key, now, 0)
            lease = KeyLease(self._counts, key, now)
            try:
                self._check(key, now, 1)
            except TooManyStreams:
                # Another gateway has taken the last one at the same moment. Both give it back and try again, not at
                # the same moment.
                lease.cancel()
                if attempt == _ATTEMPTS:
                    raise
                await asyncio.sleep(random.uniform(0, _LONGEST_PAUSE))
            else:
                return lease
        raise AssertionError("the loop has no end")

    def _check(self, key: ApiKey, now: float, own: int) -> None:
        """Checks the limits; `own` are counted already."""
        counts = self._counts
        most = key.max_streams
        if most is not None and counts.held(key.name) - own >= most:
            raise TooManyStreams(
                f"the API key {key.name} has {most} streams, as many as it may have at once; "
                "end one, or try again later"
            )
        most = key.max_new_streams_per_minute
        if most is None:
            return
        # Calls that a worker or a gateway has lost come back as new streams all at once, through no doing of their key.
        excused = own + counts.lost(key.name, now)
        if counts.events(key.name, now) - excused >= most:
            seconds = counts.seconds_until_below(key.name, most + excused, now)
            raise TooManyStreams(
                f"the API key {key.name} has opened {most} streams in a minute, as many as it may; try again later",
                math.ceil(seconds),
            )

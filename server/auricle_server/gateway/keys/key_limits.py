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
        tokens: Where the streams of tokens with a limit of their own are counted; None where none are.
    """

    def __init__(self, counts: CountTable, key: ApiKey, opened: float, tokens: CountTable | None = None) -> None:
        self._counts, self._tokens = counts, tokens
        self._name = key.name
        limited = key.token is not None and key.token.max_streams is not None
        self._token_name = key.token.identity if key.token is not None and limited else None
        self._opened = opened
        self._held = True
        self._hold(1)
        counts.add_event(self._name, opened)

    def _hold(self, change: int) -> None:
        self._counts.hold(self._name, change)
        if self._tokens is not None and self._token_name is not None:
            self._tokens.hold(self._token_name, change)

    def release(self) -> None:
        """The stream has ended; may be called twice."""
        if self._held:
            self._held = False
            self._hold(-1)

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
        tokens: Of the server, for the streams of tokens; None where no token has a limit. Apart from those of keys, so
            that many tokens leave keys their places.
    """

    def __init__(self, counts: SharedCounts, row: int = 0, tokens: SharedCounts | None = None) -> None:
        self._counts = CountTable(counts, row)
        self._tokens = CountTable(SharedCounts() if tokens is None else tokens, 0 if tokens is None else row)

    async def take(self, key: ApiKey) -> KeyLease:
        """A stream of the key.

        Raises:
            TooManyStreams: The key, or its token, has as many as it may, or the key has opened as many in the last
                minute.
        """
        for attempt in itertools.count(1):
            now = time.monotonic()
            self._check(key, now, 0)
            lease = KeyLease(self._counts, key, now, self._tokens)
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
        token = key.token
        most = None if token is None else token.max_streams
        if token is not None and most is not None and self._tokens.held(token.identity) - own >= most:
            raise TooManyStreams(f"the token has {most} streams, as many as it may have at once; end one of them")
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

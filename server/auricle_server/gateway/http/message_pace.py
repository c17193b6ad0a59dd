"""How fast one connection's messages are taken, whatever the client sends. Pure: the caller waits.

Audio is bounded by itself: a stream's backlog stops the reading. Messages without audio are not, and each costs the
gateway and the worker time that is other streams': a client that sent 50,000 updates a second kept a worker busy for so
long that it was taken for dead.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from auricle_server.gateway.token_bucket import TokenBucket


class MessagePace:
    """The pace of one connection.

    Args:
        clock: Monotonic seconds.
    """

    # An agent changes its settings a few times a second at most.
    UPDATES_PER_SECOND = 25.0
    UPDATES_AT_ONCE = 100.0
    # A long text costs as much as several: 1,000 key terms of 100 characters take up to 40 ms to read and check.
    TEXT_CHARACTERS = 8192
    # Packets of 5 ms are the shortest that telephony knows: 40 bytes of G.711, 200 of them a second.
    SMALL_BYTES = 40
    SMALL_PER_SECOND = 500.0
    SMALL_AT_ONCE = 1000.0

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._updates = TokenBucket(self.UPDATES_PER_SECOND, self.UPDATES_AT_ONCE, clock)
        self._small = TokenBucket(self.SMALL_PER_SECOND, self.SMALL_AT_ONCE, clock)

    def on_text(self, characters: int, *, is_update: bool) -> float:
        """A text message of that length has come. Returns the seconds to wait before the next message is read."""
        if not is_update and characters < self.TEXT_CHARACTERS:
            return self.on_small()
        return self._updates.take(1 + characters / self.TEXT_CHARACTERS)

    def on_small(self) -> float:
        """A message of another kind has come, of fewer than `SMALL_BYTES` if it is audio. Returns as `on_text`."""
        return self._small.take()

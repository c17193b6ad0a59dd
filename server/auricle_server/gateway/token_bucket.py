"""How often something may happen: a burst, and a rate in the long run. Pure: the caller waits."""

from __future__ import annotations

import time
from collections.abc import Callable


class TokenBucket:
    """So many at once, and so many a second in the long run.

    Args:
        rate: Tokens a second.
        burst: Tokens that may be taken at once.
        clock: Monotonic seconds.
    """

    def __init__(self, rate: float, burst: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._tokens = burst
        self._filled = clock()

    def take(self, tokens: float = 1.0) -> float:
        """Takes tokens, on credit when there are too few.

        Args:
            tokens: How many.

        Returns:
            Seconds until the credit is paid back: 0.0 when there were enough.
        """
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._filled) * self._rate) - tokens
        self._filled = now
        return max(0.0, -self._tokens / self._rate)

"""When to try again, and how much audio to keep for it. Numbers only: no clock, no sleep."""

from __future__ import annotations

import math
from dataclasses import dataclass

from auricle.errors import AuricleError, ServerFull, ServerRestarting

# RFC 9110, section 10.2.3, sets no bound; a proxy in maintenance may name an hour, for which no call can wait.
_LONGEST_RETRY_AFTER = 60.0


@dataclass(frozen=True, slots=True)
class ReconnectPolicy:
    """Capped exponential backoff with jitter.

    Attributes:
        attempts: Attempts in a row without progress before a stream gives up; 0 never reconnects. Progress is a final,
            or a connection that lasted longer than `max_delay`; for a recording (`Start.offline`) that begins anew, a
            final only. Attempts on a server that restarts are not counted for the first `replay_seconds` of an outage.
        first_delay: Seconds before the first attempt.
        max_delay: Upper bound of the delay in seconds.
        jitter: Share of the delay that is random, 0 to 1. Without it all clients of a server that restarts would
            reconnect at the same moments.
        replay_seconds: Audio kept for replay. When an outage or a segment is longer, the oldest is dropped first.
        wait_while_full: Whether attempts on a full server are not limited by `attempts`: it works, and has no slot.
    """

    attempts: int = 10
    first_delay: float = 0.2
    max_delay: float = 5.0
    jitter: float = 0.5
    replay_seconds: float = 60.0
    wait_while_full: bool = False

    def __post_init__(self) -> None:
        if self.attempts < 0 or not 0 <= self.jitter <= 1:
            raise ValueError("attempts must not be negative, and jitter must lie between 0 and 1")
        if min(self.first_delay, self.max_delay, self.replay_seconds) < 0:
            raise ValueError("delays and replay_seconds must not be negative")

    def delay(self, attempt: int, error: AuricleError, draw: float) -> float:
        """Seconds to wait before `attempt` (from 1 on), which `error` made necessary.

        Args:
            attempt: Number of the attempt.
            error: Why it is needed; the `retry_after` of a server that is full or restarts is honoured, up to a
                minute.
            draw: A random number from 0 to 1.
        """
        # 2.0 ** 1024 overflows; the cap is reached long before 64 doublings.
        backoff = min(self.max_delay, self.first_delay * 2.0 ** min(attempt - 1, 64))
        # Only downwards, so that `max_delay` remains the upper bound.
        backoff *= 1.0 - self.jitter * draw
        if isinstance(error, ServerFull | ServerRestarting) and error.retry_after is not None:
            return max(backoff, min(error.retry_after, _LONGEST_RETRY_AFTER))
        return backoff

    def waits(self, error: AuricleError, outage: float) -> bool:
        """Whether the attempt that `error` made necessary is not counted, because the server only restarts.

        Args:
            error: Why it is needed.
            outage: Seconds since the connection was lost. Once they exceed `replay_seconds`, audio is being lost, and
                a server that never comes back must not be waited for without end.
        """
        return isinstance(error, ServerRestarting) and self.attempts > 0 and outage < self.replay_seconds

    def gives_up(self, attempt: int, error: AuricleError, outage: float = math.inf) -> bool:
        """Whether `attempt`, which `error` made necessary, is one too many; for `outage` see `waits`."""
        if self.wait_while_full and isinstance(error, ServerFull):
            return False
        return error.permanent or (attempt > self.attempts and not self.waits(error, outage))

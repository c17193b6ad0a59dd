"""Calls that have lost their server, and come back by the client's own policy."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from auricle.errors import AuricleError, ConnectionFailed, ServerFull
from auricle.reconnect import ReconnectPolicy

Ints = npt.NDArray[np.int64]

RETRY_AFTER = 2.0
"""Seconds that servers and proxies name when they are full."""
_FULL, _LOST = ServerFull(RETRY_AFTER), ConnectionFailed("lost", "the connection broke")


@dataclass(frozen=True, slots=True)
class Returning:
    """Calls that look for a server, column by column; times in ticks.

    Attributes:
        ends: When each ends by itself, [n].
        lost: When each lost its server, [n]; -1 for a new call.
        attempts: Attempts so far, [n].
    """

    ends: Ints
    lost: Ints
    attempts: Ints

    def __len__(self) -> int:
        return len(self.ends)

    def where(self, chosen: npt.NDArray[np.bool_] | Ints) -> Returning:
        """Those that a mask or an index selects."""
        return Returning(self.ends[chosen], self.lost[chosen], self.attempts[chosen])

    def followed_by(self, others: Returning) -> Returning:
        """These and others."""
        columns = zip((self.ends, self.lost, self.attempts), (others.ends, others.lost, others.attempts), strict=True)
        return Returning(*(np.concatenate(each) for each in columns))


def new_calls(ends: Ints) -> Returning:
    """Calls that have had no server yet."""
    return Returning(ends, np.full(len(ends), -1), np.zeros(len(ends), np.int64))


class WaitingCalls:
    """When each of the calls tries again: see `ReconnectPolicy`.

    Attributes:
        given_up: Calls whose client stopped trying.

    Args:
        tick: Seconds of a tick.
        rng: Draws the jitter.
        policy: Of the clients.
    """

    def __init__(self, tick: float, rng: np.random.Generator, policy: ReconnectPolicy) -> None:
        self.given_up = 0
        self._tick, self._rng, self._policy = tick, rng, policy
        self._at: dict[int, list[Returning]] = defaultdict(list)
        self._waiting = 0

    def __len__(self) -> int:
        return self._waiting

    def lose(self, ends: Ints, now: int, noticed: npt.NDArray[np.float64]) -> None:
        """Takes calls whose server has gone.

        Args:
            ends: When they end by themselves, [n].
            now: Tick of the loss.
            noticed: Seconds after which each client notices it, [n].
        """
        count = len(ends)
        calls = Returning(ends, np.full(count, now), np.ones(count, np.int64))
        self._schedule(calls, now, _LOST, noticed)

    def refuse(self, calls: Returning, now: int) -> None:
        """Takes calls that no server had room for."""
        again = Returning(calls.ends, calls.lost, calls.attempts + 1)
        # How long a full server has been looked for makes no difference: only one that restarts is waited for.
        stay = ~_by_attempt(again.attempts, lambda attempt: self._policy.gives_up(attempt, _FULL)).astype(np.bool_)
        self.given_up += int(np.count_nonzero(~stay))
        again = again.where(stay)
        self._schedule(again, now, _FULL, np.zeros(len(again)))

    def due(self, now: int) -> Returning:
        """Takes the calls that try again now; those that have ended meanwhile do not."""
        found = new_calls(np.zeros(0, np.int64))
        for calls in self._at.pop(now, []):
            found = found.followed_by(calls)
        self._waiting -= len(found)
        return found.where(found.ends > now)

    def _schedule(self, calls: Returning, now: int, error: AuricleError, before: npt.NDArray[np.float64]) -> None:
        if not len(calls):
            return
        delays = before + delays_of(self._policy, calls.attempts, error, self._rng.random(len(calls)))
        at = now + np.maximum(1, np.ceil(delays / self._tick)).astype(np.int64)
        order = np.argsort(at, kind="stable")
        ticks, starts = np.unique(at[order], return_index=True)
        for tick, group in zip(ticks.tolist(), np.split(order, starts[1:]), strict=True):
            self._at[tick].append(calls.where(group))
        self._waiting += len(calls)


def delays_of(
    policy: ReconnectPolicy, attempts: Ints, error: AuricleError, draws: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """`ReconnectPolicy.delay` of many attempts, seconds, [n]."""
    # Without a server's wish the delay is linear in the draw.
    longest = _by_attempt(attempts, lambda attempt: policy.delay(attempt, _LOST, 0.0))
    shortest = _by_attempt(attempts, lambda attempt: policy.delay(attempt, _LOST, 1.0))
    delays = longest + (shortest - longest) * draws
    return np.maximum(delays, RETRY_AFTER) if error is _FULL else delays


def _by_attempt(attempts: Ints, of: Callable[[int], float]) -> npt.NDArray[np.float64]:
    """A value for each number of attempts, looked up for all calls, [n]."""
    numbers, index = np.unique(attempts, return_inverse=True)
    return np.array([of(number) for number in numbers.tolist()], np.float64)[index]


def percentiles(seconds: list[npt.NDArray[np.float64]]) -> dict[str, float]:
    """Percentiles of times in groups; zeros without any."""
    found = np.concatenate(seconds) if seconds else np.zeros(0)
    if not len(found):
        return dict.fromkeys(("p50", "p95", "p99", "max"), 0.0)
    p50, p95, p99 = (float(each) for each in np.percentile(found, (50, 95, 99)))
    assert math.isfinite(p99)
    return {"p50": p50, "p95": p95, "p99": p99, "max": float(found.max())}

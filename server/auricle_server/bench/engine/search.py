"""The largest number of streams that holds: doubling, then bisection. Pure."""

from __future__ import annotations

from collections.abc import Callable

Holds = Callable[[int], bool]


def largest(holds: Holds, *, start: int, most: int, precision: float = 0.05) -> int:
    """The largest number of streams tried that holds; 0 when not even one does.

    Doubles from `start` while it holds (halves while it does not), then halves the gap between the largest that held
    and the smallest that did not, until it is at most `precision` of the latter.

    Args:
        holds: Tries a number; costly. Must be true for small numbers and false for large ones.
        start: First to try.
        most: Never tries more.
        precision: Relative.
    """
    good, bad = 0, most + 1
    trial = min(start, most)
    while good < trial < bad:
        if holds(trial):
            good = trial
        else:
            bad = trial
        trial = _next(good, bad, most, precision)
    return good


def _next(good: int, bad: int, most: int, precision: float) -> int:
    """The next to try; `good` when there is nothing left to learn."""
    if bad == most + 1:
        return min(2 * good, most)
    if good == 0:
        return bad // 2
    gap = bad - good
    return good if gap <= max(1, precision * bad) else good + gap // 2

"""Finds the largest number of streams that a test passes, by doubling and bisection. Does no I/O."""

from __future__ import annotations

from collections.abc import Callable

Holds = Callable[[int], bool]


class OutOfTime(Exception):
    """Raised by a test that has no time left: the search ends with what has passed so far."""


def largest(holds: Holds, *, start: int, most: int, precision: float = 0.05) -> int:
    """The largest number of streams tried that passes; 0 when one stream does not pass.

    Doubles from `start` while the test passes (halves while it does not), then halves the gap between the largest that
    passed and the smallest that failed, until the gap is at most `precision` of the latter.

    Args:
        holds: Tests a number of streams; costly. True up to some number and false above it. May raise `OutOfTime`.
        start: The first number to test.
        most: The largest number to test.
        precision: Width of the final gap, relative to its upper end.
    """
    good, bad = 0, most + 1
    trial = min(start, most)
    while good < trial < bad:
        try:
            passed = holds(trial)
        except OutOfTime:
            break
        good, bad = (trial, bad) if passed else (good, trial)
        trial = _next(good, bad, most, precision)
    return good


def _next(good: int, bad: int, most: int, precision: float) -> int:
    """The next number to test; `good` when the gap is narrow enough."""
    # Nothing has failed yet.
    if bad == most + 1:
        return min(2 * good, most)
    if good == 0:
        return bad // 2
    gap = bad - good
    return good if gap <= max(1, precision * bad) else good + gap // 2

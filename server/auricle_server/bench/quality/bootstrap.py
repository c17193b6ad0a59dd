"""Intervals of error rates by the bootstrap: recordings are drawn again and again, with replacement.

M. Bisani and H. Ney, "Bootstrap estimates for confidence intervals in ASR performance evaluation", ICASSP 2004.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

RESAMPLES = 2_000
LEVEL = 0.95
_SEED = 20_041
_AT_ONCE = 1_000_000
"""Draws held at a time; bounds the memory for many recordings."""

Counts = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A rate, and the interval in which 95 % of the resampled rates lie."""

    value: float
    low: float
    high: float


def error_rate(errors: npt.ArrayLike, units: npt.ArrayLike) -> Estimate | None:
    """The rate of errors per unit over all recordings, in percent; None without a unit.

    Args:
        errors: Errors of each recording, [n].
        units: Words or characters of each reference, [n].
    """
    wrong, all_units = np.asarray(errors, np.float64), np.asarray(units, np.float64)
    if not all_units.sum():
        return None
    drawn = _sums(np.stack([wrong, all_units]))
    return _estimate(float(wrong.sum() / all_units.sum()), drawn[0] / np.maximum(drawn[1], 1))


def rate_difference(first: npt.ArrayLike, second: npt.ArrayLike, units: npt.ArrayLike) -> Estimate | None:
    """The second error rate minus the first, over the same recordings, in percentage points.

    Both rates are taken of the same draws, so what makes a recording hard for both does not widen the interval.

    Args:
        first: Errors of each recording under one system, [n].
        second: Errors of each under another, [n].
        units: Words of each reference, [n].
    """
    all_units, more = np.asarray(units, np.float64), np.asarray(second, np.float64) - np.asarray(first, np.float64)
    if not all_units.sum():
        return None
    drawn = _sums(np.stack([more, all_units]))
    return _estimate(float(more.sum() / all_units.sum()), drawn[0] / np.maximum(drawn[1], 1))


def _sums(counts: Counts) -> Counts:
    """Sums of the columns of `counts` [k, n] over each resample, [k, RESAMPLES]; the same draws for the same n."""
    size = counts.shape[1]
    rng = np.random.default_rng(_SEED)
    step = max(1, _AT_ONCE // size)
    parts = [
        counts[:, rng.integers(size, size=(min(step, RESAMPLES - done), size))].sum(axis=2)
        for done in range(0, RESAMPLES, step)
    ]
    return np.concatenate(parts, axis=1)


def _estimate(value: float, drawn: Counts) -> Estimate:
    low, high = np.percentile(drawn, [100 * (1 - LEVEL) / 2, 100 * (1 + LEVEL) / 2])
    return Estimate(100 * value, 100 * float(low), 100 * float(high))

"""Summaries of many measured values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

SHARE_OF_RUN = 5
"""Number of parts of a run; drift compares the first part with the last."""

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Spread:
    """Percentiles of a measured value, in its own unit; all zero without measurements."""

    p50: float
    p95: float
    p99: float
    max: float
    count: int

    @classmethod
    def of(cls, values: npt.ArrayLike) -> Spread:
        """The percentiles of some values."""
        array = np.asarray(values, np.float64)
        if not len(array):
            return cls(0.0, 0.0, 0.0, 0.0, 0)
        p50, p95, p99 = (float(value) for value in np.percentile(array, (50, 95, 99)))
        return cls(p50, p95, p99, float(array.max()), len(array))


def drift(values: npt.ArrayLike) -> float:
    """Median of the last fifth of the values minus that of the first fifth, in the order of measurement."""
    array = np.asarray(values, np.float64)
    part = len(array) // SHARE_OF_RUN
    return float(np.median(array[-part:]) - np.median(array[:part])) if part else 0.0

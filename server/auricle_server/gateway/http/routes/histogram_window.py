"""What a histogram that counts for ever has counted in the last seconds. Pure: times are passed in."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from itertools import pairwise

from prometheus_client import Metric

WINDOW_SECONDS = 10.0


class HistogramWindow:
    """The newest counts of one histogram, and those of `WINDOW_SECONDS` before."""

    def __init__(self) -> None:
        self._readings: deque[tuple[float, dict[float, float], float]] = deque()

    def add(self, now: float, counts: Mapping[float, float], total: float) -> None:
        """Takes a reading.

        Args:
            now: Monotonic seconds.
            counts: How many values did not exceed each edge, since the server's start.
            total: The sum of all values.
        """
        last = self._readings[-1][1].get(math.inf, 0.0) if self._readings else 0.0
        if counts.get(math.inf, 0.0) < last:
            self._readings.clear()  # the counts have begun anew
        self._readings.append((now, dict(counts), total))
        while len(self._readings) > 2 and self._readings[1][0] <= now - WINDOW_SECONDS:
            self._readings.popleft()

    @property
    def count(self) -> float:
        """Values in the window."""
        return self._grown().get(math.inf, 0.0)

    @property
    def seconds(self) -> float:
        """Length of the window; less than `WINDOW_SECONDS` at its beginning."""
        return self._readings[-1][0] - self._readings[0][0] if self._readings else 0.0

    @property
    def mean(self) -> float | None:
        """Of the values in the window; None without any."""
        return (self._readings[-1][2] - self._readings[0][2]) / self.count if self.count else None

    def quantile(self, share: float) -> float | None:
        """The value that this share of the values in the window does not exceed; None without any.

        Within a bucket values count as spread evenly, as Prometheus' `histogram_quantile` has it; beyond the last edge
        the answer is that edge.

        Args:
            share: 0 to 1.
        """
        grown = self._grown()
        rank = share * grown.get(math.inf, 0.0)
        if not rank:
            return None
        edges = [(0.0, 0.0), *sorted(grown.items())]
        for (below, before), (edge, count) in pairwise(edges):
            if count >= rank and count > before:
                return below if math.isinf(edge) else below + (edge - below) * (rank - before) / (count - before)
        return None

    def _grown(self) -> dict[float, float]:
        if not self._readings:
            return {}
        first, last = self._readings[0][1], self._readings[-1][1]
        return {edge: count - first.get(edge, 0.0) for edge, count in last.items()}


def counts_of(metric: Metric) -> tuple[dict[float, float], float]:
    """The counts and the sum of a histogram over all its labels but the edges, as `HistogramWindow.add` takes them."""
    counts: dict[float, float] = {}
    total = 0.0
    for sample in metric.samples:
        if sample.name.endswith("_bucket"):
            edge = float(sample.labels["le"])
            counts[edge] = counts.get(edge, 0.0) + sample.value
        elif sample.name.endswith("_sum"):
            total += sample.value
    return counts, total

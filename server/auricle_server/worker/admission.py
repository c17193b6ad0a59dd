"""Whether a worker has time for another stream. Pure: no clock, no engine; step timings in, decisions out.

A step over `rows` chunks of one size takes about `a + b * rows` seconds. Rows become ready at random, and a step takes
whatever is ready; with n streams of chunk length d, n * T / d rows become ready during a step of T seconds, so that
steps settle at T = a / (1 - b * n / d). T stays below d, that is, every stream is served once per chunk, exactly while
`(a + b * n) / d`, the time of one step over all of them in proportion to the chunk, is below 1. That proportion, summed
over the chunk sizes, is the load here. Where a step holds fewer rows than there are streams, `a` counts once for every
step that they need.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

_FORGETTING = 0.998
"""Factor of a measurement's weight after each later one of its chunk size: half after 350."""
_PRIOR_WEIGHT = 10.0
"""A calibrated point counts as so many measurements and never ages: it holds the line where no steps are measured."""
_ORIGIN_WEIGHT = 0.01
"""Weight of the point "no rows take no time": two unknowns need two points. Where all steps had the same number of
rows, the line goes through the origin, and predicts too much rather than too little for more rows."""
_FARTHEST = 2.0
"""A step that took more than this times what was expected, or less than its inverse, counts as this: a single slow step
moves the line a little, a lasting change moves it as far as needed within some hundred steps."""
# Spare second passes are opened below this share and closed above the whole load: without a gap they would flap.
SPARE_SHARE = 0.6
"""Share of the highest load up to which, one more second pass included, there is spare time."""


@dataclass(frozen=True, slots=True)
class StepTiming:
    """How long a step took.

    Attributes:
        latency_ms: Chunk size.
        rows: Chunks computed.
        seconds: All time that the worker spent for it, its own work around the engine included.
    """

    latency_ms: int
    rows: int
    seconds: float


@dataclass(frozen=True, slots=True)
class StepCalibration:
    """Timings of an engine before it has streams.

    Attributes:
        steps: Measured steps, ideally small and large ones of each chunk size.
        most_rows: Most rows of a step, by latency, where the calibration reached them.
    """

    steps: tuple[StepTiming, ...] = ()
    most_rows: Mapping[int, int] = field(default_factory=dict)


class CostLine:
    """Seconds of a step by rows, for one chunk size: least squares with forgetting.

    The variance of a step's time is assumed to grow with its rows, so a measurement weighs one over its rows.
    """

    def __init__(self) -> None:
        self._prior = [0.0] * 5
        self._sums = [0.0] * 5
        """Of w, w*r, w*r*r, w*y, w*r*y, over measurements with weight w, rows r and seconds y."""
        self.base = 0.0
        self.per_row = 0.0
        self._known = False

    def seconds(self, rows: float) -> float:
        """Expected time of a step; 0 before anything is known."""
        return self.base + self.per_row * rows

    def calibrate(self, rows: int, seconds: float) -> None:
        """Adds a measurement made before there were streams, which never ages."""
        self._prior = _plus(self._prior, rows, seconds, _PRIOR_WEIGHT)
        self._fit()

    def observe(self, rows: int, seconds: float) -> None:
        """Adds a measurement."""
        if self._known:
            expected = self.seconds(rows)
            seconds = min(max(seconds, expected / _FARTHEST), expected * _FARTHEST)
        self._sums = _plus([total * _FORGETTING for total in self._sums], rows, seconds, 1.0)
        self._fit()

    def _fit(self) -> None:
        w, wr, wrr, wy, wry = (kept + prior for kept, prior in zip(self._sums, self._prior, strict=True))
        w += _ORIGIN_WEIGHT
        # Never 0: the point at the origin has another number of rows than every step.
        determinant = w * wrr - wr * wr
        base = (wy * wrr - wry * wr) / determinant
        per_row = (wry * w - wy * wr) / determinant
        # Noise may tilt the line so far, but neither part of a cost can be negative.
        if base < 0:
            base, per_row = 0.0, wry / wrr
        elif per_row < 0:
            base, per_row = wy / w, 0.0
        self.base, self.per_row, self._known = base, per_row, True


def _plus(sums: list[float], rows: int, seconds: float, weight: float) -> list[float]:
    weight /= rows
    terms = (1.0, rows, rows * rows, seconds, rows * seconds)
    return [total + weight * term for total, term in zip(sums, terms, strict=True)]


class Admission:
    """Counts streams by latency and decides whether one more fits.

    Args:
        latencies_ms: Chunk sizes that the engine offers.
        max_load: Load up to which streams are taken; 0 for no bound.
        calibration: A chunk size without measurements costs nothing, until its first step.

    Attributes:
        calibration: As given.
    """

    def __init__(
        self,
        latencies_ms: Iterable[int],
        max_load: float,
        calibration: StepCalibration = StepCalibration(),
    ) -> None:
        self.calibration = calibration
        self._max_load = max_load
        self._lines = {latency: CostLine() for latency in latencies_ms}
        self._streams: Counter[int] = Counter()
        self._spare: Counter[int] = Counter()
        """Second passes that are closed when a stream needs their time."""
        self._most_rows = calibration.most_rows
        for step in calibration.steps:
            self._lines[step.latency_ms].calibrate(step.rows, step.seconds)

    def observe(self, step: StepTiming) -> None:
        """Learns from a step."""
        self._lines[step.latency_ms].observe(step.rows, step.seconds)

    @property
    def load(self) -> float:
        """Predicted load of all streams and second passes."""
        return self._load(self._streams + self._spare)

    @property
    def overloaded(self) -> bool:
        """Whether streams and second passes need more time than the highest load."""
        return bool(self._max_load) and self.load > self._max_load

    def has_spare_time(self, latency_ms: int) -> bool:
        """Whether there is time for a second pass that is closed when a stream needs its time."""
        load = self._load(self._streams + self._spare + Counter((latency_ms,)))
        return not self._max_load or load <= SPARE_SHARE * self._max_load

    def fits(self, latency_ms: int, instead_of: int | None = None) -> bool:
        """Whether there is time for one more stream, if need be that of spare second passes.

        The first stream always fits: a worker that refused all streams would never measure that it has become faster.

        Args:
            latency_ms: Latency of the stream.
            instead_of: Latency that it has now; None for a new stream. A change that costs nothing more always fits.
        """
        streams = self._streams.copy()
        if instead_of is not None:
            streams[instead_of] -= 1
        streams[latency_ms] += 1
        if not self._max_load or streams.total() == 1:
            return True
        load = self._load(streams)
        return load <= self._max_load or (instead_of is not None and load <= self._load(self._streams))

    def add(self, latency_ms: int, *, spare: bool = False) -> None:
        """Adds a stream, or a spare second pass."""
        (self._spare if spare else self._streams)[latency_ms] += 1

    def remove(self, latency_ms: int, *, spare: bool = False) -> None:
        """Removes a stream, or a spare second pass."""
        (self._spare if spare else self._streams)[latency_ms] -= 1

    def capacity(self, latency_ms: int, slots: int) -> int:
        """Streams of one latency that fit if there are no others."""
        if not self._max_load:
            return slots
        # `_share` grows with the count, so bisection finds the last one that fits in some ten evaluations.
        counts = range(1, slots + 1)
        return max(1, bisect_right(counts, self._max_load, key=lambda count: self._share(latency_ms, count)))

    def _load(self, streams: Counter[int]) -> float:
        return sum(self._share(latency, count) for latency, count in streams.items() if count > 0)

    def _share(self, latency_ms: int, streams: int) -> float:
        """Share of the worker's time for so many streams of one latency."""
        line = self._lines[latency_ms]
        steps = -(-streams // self._most_rows.get(latency_ms, streams))
        return (line.base * steps + line.per_row * streams) / (latency_ms / 1000)

"""How long results wait on a worker, by its number of streams: the server's engine, run step by step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from auricle_server.bench.engine.live_streams import LiveRun
from auricle_server.bench.fleet.timed_engine import Silence, SimulatedClock, timed_engine
from auricle_server.bench.sizing.step_times import StepTimes

Floats = npt.NDArray[np.float64]

QUANTILES = np.linspace(0, 1, 201)
_SHARES = (0.02, 0.25, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""Numbers of streams that are run, as shares of the capacity."""
_RAMP_CHUNKS, _HELD_CHUNKS = 4, 12


@dataclass(frozen=True, slots=True)
class DelayTable:
    """The wait from the audio that completes a chunk to its results.

    Attributes:
        streams: Numbers of streams that were run, ascending, [n].
        waits: Seconds of the wait by `QUANTILES`, [n, q].
        busy: Share of the time in which the worker had work, [n].
    """

    streams: Floats
    waits: Floats
    busy: Floats

    def quantiles(self, streams: npt.ArrayLike) -> Floats:
        """The wait by `QUANTILES` at any numbers of streams, [..., q], in proportion between those that were run."""
        at = np.clip(np.asarray(streams, np.float64), self.streams[0], self.streams[-1])
        upper = np.clip(np.searchsorted(self.streams, at), 1, len(self.streams) - 1)
        low, high = self.streams[upper - 1], self.streams[upper]
        share = ((at - low) / (high - low))[..., None]
        mixed: Floats = self.waits[upper - 1] * (1 - share) + self.waits[upper] * share
        return mixed

    def busy_at(self, streams: npt.ArrayLike) -> Floats:
        """Share of the time in which a worker has work, [...]."""
        busy: Floats = np.interp(np.asarray(streams, np.float64), [0.0, *self.streams], [0.0, *self.busy])
        return busy

    def percentiles(self, stream_seconds: Floats) -> dict[str, float]:
        """Percentiles of the wait over a fleet.

        Args:
            stream_seconds: Seconds that streams spent on workers with 0, 1, 2, ... streams, [most + 1].
        """
        counts = np.flatnonzero(stream_seconds)
        if not len(counts):
            return dict.fromkeys(("p50", "p95", "p99", "max"), 0.0)
        waits = self.quantiles(counts).ravel()
        order = np.argsort(waits)
        weights = np.repeat(stream_seconds[counts] / len(QUANTILES), len(QUANTILES))[order]
        shares = np.cumsum(weights) / weights.sum()
        found = np.minimum(np.searchsorted(shares, (0.5, 0.95, 0.99)), len(order) - 1)
        p50, p95, p99 = (float(waits[order][index]) for index in found)
        return {"p50": p50, "p95": p95, "p99": p99, "max": float(waits[order][-1])}


def delay_table(
    times: StepTimes, capacity: int, log: Callable[[str], None] = lambda _: None, *, large: bool = True
) -> DelayTable:
    """Runs the engine with some numbers of streams up to the capacity.

    Args:
        times: Of its steps.
        capacity: Streams that a worker takes.
        log: Gets a line for each number.
        large: See `timed_engine`.
    """
    counts = sorted({max(1, round(share * capacity)) for share in _SHARES} | {1, capacity})
    if len(counts) == 1:
        counts.append(counts[0] + 1)
    waits, busy = [], []
    for streams in counts:
        measured, share = waits_of(times, streams, large=large)
        waits.append(np.quantile(measured, QUANTILES))
        busy.append(share)
        p50, p99 = np.quantile(measured, (0.5, 0.99))
        log(f"{streams} streams on a worker: wait p50 {p50 * 1e3:.1f}, p99 {p99 * 1e3:.1f} ms, busy {share:.0%}")
    return DelayTable(np.array(counts, np.float64), np.array(waits), np.array(busy))


def waits_of(times: StepTimes, streams: int, *, large: bool = True) -> tuple[Floats, float]:
    """The waits of all chunks of so many streams, seconds, and the share of the time with work to do.

    Args:
        times: Of the steps.
        streams: Number of streams.
        large: See `timed_engine`.
    """
    clock = SimulatedClock()
    engine = timed_engine(times, streams, clock, large=large)
    run = LiveRun(engine, clock, Silence(), streams, times.latency_ms)
    chunk = times.latency_ms / 1000
    figures = run.run(_RAMP_CHUNKS * chunk, _HELD_CHUNKS * chunk)
    return run.waits, figures.busy

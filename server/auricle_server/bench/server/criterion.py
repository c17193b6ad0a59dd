"""The criterion of capacity: when a server sustains a load. Does no I/O."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from auricle_server.bench.report.summaries import Spread

FINAL_BUDGET = 0.150
"""Seconds: p95 from finalize to final is at most a chunk plus this."""
CLIENT_BUDGET = 0.010
"""Seconds: p99 of the lateness of the clients; a run with later clients is void."""
DRIFT_BUDGET = 0.100
"""Seconds by which the lag may grow during a run."""
WORDS_BUDGET = 0.1
"""Percentage points between the word error rate under load and that of the same streams alone."""
GROWTH_BUDGET = 0.05
"""Share by which the memory of a process may grow in a soak, from its second quarter to its last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Measurements of a number of streams; times in seconds.

    Attributes:
        streams: Number of streams.
        latency_ms: Chunk latency of the streams.
        seconds: Length of each stream, without the ramp.
        ready_seconds: From the server's start to its readiness.
        client_lateness: See `Report.lateness`.
        first_partial: See `Report`.
        partial_lag: See `Report`.
        final_after_speech: See `Report`.
        final_after_finalize: See `Report`.
        turn_end: See `Report`.
        cut_ins: Turn ends during speech.
        drift: Growth of the lag from the start of the run to its end.
        missing: Finalizes without a final.
        errors: Number of errors by kind.
        step_p50: Median duration of an engine step, from the server's metrics.
        step_p99: 99th percentile of the duration of an engine step.
        rows_p50: Median of the rows of a step.
        word_error_rate: Percent, of some of the streams.
        word_error_rate_alone: Percent, of the same streams, each alone.
        cores: Busy cores by kind of process.
        gpu_percent: Share of the time in which the GPU ran a kernel.
        memory_megabytes: Memory by kind of process, once a second.
    """

    streams: int
    latency_ms: int
    seconds: float
    ready_seconds: float
    client_lateness: Spread
    first_partial: Spread
    partial_lag: Spread
    final_after_speech: Spread
    final_after_finalize: Spread
    turn_end: Spread
    cut_ins: int
    drift: float
    missing: int
    errors: dict[str, int]
    step_p50: float
    step_p99: float
    rows_p50: float
    word_error_rate: float
    word_error_rate_alone: float
    cores: dict[str, float]
    gpu_percent: float
    memory_megabytes: dict[str, list[float]]


def problems(load: Load, *, soak: bool = False) -> list[str]:
    """Reasons why the server does not sustain the load; empty when it does."""
    chunk = load.latency_ms / 1000
    worse = abs(load.word_error_rate - load.word_error_rate_alone)
    checks = {
        f"void: clients were late, p99 {load.client_lateness.p99 * 1e3:.1f} ms": (
            load.client_lateness.p99 <= CLIENT_BUDGET
        ),
        "no final came": load.final_after_finalize.count > 0,
        f"finals late: p95 {load.final_after_finalize.p95 * 1e3:.0f} ms": (
            load.final_after_finalize.p95 <= chunk + FINAL_BUDGET
        ),
        f"steps too long: p99 {load.step_p99 * 1e3:.0f} ms": load.step_p99 < chunk,
        f"lag grows: {load.drift * 1e3:.0f} ms": load.drift <= DRIFT_BUDGET,
        f"{load.missing} finals missing": load.missing == 0,
        f"errors: {load.errors}": not load.errors,
        f"error rate {worse:.2f} % from that of each stream alone": worse <= WORDS_BUDGET,
    }
    if soak:
        checks |= {
            f"{role} grew by {grown:.0%}": grown <= GROWTH_BUDGET
            for role, grown in growth(load.memory_megabytes).items()
        }
    return [problem for problem, fine in checks.items() if not fine]


def growth(memory: dict[str, list[float]]) -> dict[str, float]:
    """Growth of the memory of each kind of process from the second quarter of the run to the last, as a share."""
    grown = {}
    for role, samples in memory.items():
        quarter = len(samples) // 4
        if quarter:
            early = float(np.median(samples[quarter : 2 * quarter]))
            grown[role] = float(np.median(samples[-quarter:])) / early - 1
    return grown

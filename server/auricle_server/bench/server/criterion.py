"""When a loaded server holds: the criterion of capacity. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from auricle_server.bench.report.summaries import Spread

FINAL_BUDGET = 0.150
"""Seconds beyond a chunk within which p95 of the finals must come."""
CLIENT_BUDGET = 0.010
"""p99 by which clients may be late; beyond it the run says nothing."""
DRIFT_BUDGET = 0.100
WORDS_BUDGET = 0.1
"""Percent of all words by which the error rate may differ from that of each stream alone."""
GROWTH_BUDGET = 0.05
"""Share by which a soaked process may grow from the second quarter of the run to the last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What a number of streams measured; seconds where nothing else is said.

    Attributes:
        streams: How many.
        latency_ms: Their chunk.
        seconds: How long they spoke, the ramp left out.
        ready_seconds: From the server's start to its readiness.
        client_lateness: How late packets left.
        first_partial: See `Report`, likewise the next four.
        partial_lag: Likewise.
        final_after_speech: Likewise.
        final_after_finalize: Likewise.
        turn_end: Likewise.
        cut_ins: Turn ends that came while somebody was still speaking.
        drift: By how much results came later at the end than at the beginning.
        missing: Finalizes without an answer.
        errors: By kind.
        step_p50: Duration of an engine step, as the server's metrics say.
        step_p99: Likewise.
        rows_p50: Rows of a step.
        word_error_rate: Percent, of some of the streams.
        word_error_rate_alone: Percent, of the same streams, each alone.
        cores: Busy with each kind of process.
        gpu_percent: Of the time in which a kernel ran.
        memory_megabytes: Of each kind of process, once a second.
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
    """Why the server does not hold so many streams; empty when it does."""
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
    """By what share each kind of process grew, from the second quarter of the run to the last."""
    grown = {}
    for role, samples in memory.items():
        quarter = len(samples) // 4
        if quarter:
            early = float(np.median(samples[quarter : 2 * quarter]))
            grown[role] = float(np.median(samples[-quarter:])) / early - 1
    return grown

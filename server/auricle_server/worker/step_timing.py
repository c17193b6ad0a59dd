"""Measures how long an engine's steps take before it has streams, for `Admission` to start from."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from auricle_server.worker.admission import StepCalibration, StepTiming

if TYPE_CHECKING:
    from auricle_server.engine import Engine

log = logging.getLogger(__name__)

_GROWTH = 4
"""Factor between the row counts that are timed."""
_LONGEST_SHARE = 0.5
"""Steps grow until one takes this share of its chunk: admission plans with no more."""
_LONGEST_SECONDS = 0.05
"""Longest step, so that the start-up stays short."""
_LONGEST_WAVE_SECONDS = 0.1
_CHUNKS = 2
"""Chunks of each stream; the first step of a size may still allocate memory."""
_SAMPLES_PER_MS = 16


def calibrate(engine: Engine, clock: Callable[[], float] = time.perf_counter) -> StepCalibration:
    """Times steps of every chunk size over silence, from one row on; this adds some tenths of a second to the start-up.

    Args:
        engine: Warmed up, with no stream.
        clock: Seconds.
    """
    steps: list[StepTiming] = []
    most_rows: dict[int, int] = {}
    for latency_ms in engine.info.latencies_ms:
        longest = min(_LONGEST_SECONDS, _LONGEST_SHARE * latency_ms / 1000)
        for rows in _sizes(engine.info.slots):
            wave = _wave(engine, latency_ms, rows, clock)
            steps += wave
            widest = max(step.rows for step in wave)
            if widest < rows:
                most_rows[latency_ms] = widest
            if widest < rows or max(step.seconds for step in wave) > longest:
                break
    log.info("calibrated steps=%d most_rows=%s", len(steps), most_rows)
    return StepCalibration(tuple(steps), most_rows)


def _sizes(slots: int) -> Iterator[int]:
    rows = 1
    while rows < slots:
        yield rows
        rows *= _GROWTH
    yield slots


def _wave(engine: Engine, latency_ms: int, rows: int, clock: Callable[[], float]) -> list[StepTiming]:
    """Times the steps of a few chunks of so many streams at once."""
    silence = np.zeros(_CHUNKS * latency_ms * _SAMPLES_PER_MS, np.int16)
    leases = [engine.open(latency_ms, engine.info.default_language) for _ in range(rows)]
    measured: list[StepTiming] = []
    try:
        # All the audio is there before the first step, so that steps have as many rows as they can.
        for lease in leases:
            engine.push(lease, silence)
        started = began = clock()
        while engine.ready and began - started < _LONGEST_WAVE_SECONDS:
            results = engine.step()
            if results.computed:
                now = clock()
                measured.append(StepTiming(latency_ms, results.computed, now - began))
                began = now
    finally:
        for lease in leases:
            engine.close(lease)
        while engine.ready:  # a step may be in flight, which the next wave must not count
            engine.step()
    return measured

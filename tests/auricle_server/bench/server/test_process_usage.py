from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from auricle_server.bench.server.process_usage import cpu_seconds, histogram, quantile, resident_bytes

HISTOGRAMS = """\
steps_bucket{chunk_ms="80",le="0.01"} 10
steps_bucket{chunk_ms="160",le="0.01"} 0
steps_bucket{chunk_ms="80",le="0.02"} 20.0
steps_bucket{chunk_ms="160",le="0.02"} 80.0
steps_bucket{chunk_ms="80",le="+Inf"} 20.0
steps_bucket{chunk_ms="160",le="+Inf"} 80.0
other_bucket{le="+Inf"} 7.0
"""


def test_quantiles_from_a_histogram() -> None:
    after = histogram(HISTOGRAMS, "steps")
    assert after == {0.01: 10, 0.02: 100, float("inf"): 100}
    assert quantile({}, after, 0.5) == pytest.approx(0.01 + 0.01 * 40 / 90)
    assert quantile(after, after, 0.5) == 0.0
    assert histogram(HISTOGRAMS, "steps", 'chunk_ms="80"')[0.02] == 20
    assert histogram(HISTOGRAMS, "other") == {float("inf"): 7}


def test_processes_are_measured() -> None:
    busy = subprocess.Popen([sys.executable, "-c", "x = bytearray(30_000_000)\nwhile True: pass"])
    try:
        while cpu_seconds(busy.pid) <= 0.2:  # a busy machine takes longer over it; the test's timeout ends a count of 0
            time.sleep(0.05)
        assert resident_bytes(busy.pid) > 30_000_000
    finally:
        busy.kill()
        busy.wait()
    assert resident_bytes(busy.pid) == cpu_seconds(busy.pid) == 0
    assert cpu_seconds(os.getpid()) > 0

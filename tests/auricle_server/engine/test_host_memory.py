"""What a load frees goes back to the system, what steps free is kept: seen from outside, in its own process."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import resource, torch
from auricle_server.engine.host_memory import loading

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize() / 1e6

def faults(times=50):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(times):
        torch.zeros(3_000_000)
    return (resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / times

with loading():
    before, kept = resident(), []
    for _ in range(20):  # a packed weight of 2 MB after an unpacked one of 8 MB, which is freed
        unpacked = torch.ones(2_000_000)
        kept.append(unpacked[::4].clone())
        del unpacked
print(resident() - before, faults())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads Linux's account of memory")
def test_a_load_leaves_no_gaps_and_steps_touch_no_fresh_pages() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    grown, faults = map(float, done.stdout.split())
    assert 39 < grown < 80, "20 packed weights of 2 MB, and not the 160 MB of the unpacked ones"
    assert faults < 1500, "12 MB are 3,000 pages, which are there from the time before"

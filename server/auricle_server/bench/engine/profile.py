"""What the time of a run goes into: torch's profiler, as a table and as a trace for a browser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch.profiler import ProfilerActivity
from torch.profiler import profile as torch_profile

from auricle_server.bench.report.machine import this_machine
from auricle_server.bench.report.results import DEFAULT_FOLDER

ROWS = 25
"""Of the table."""


def profiled(work: Callable[[], object], out: Path | None, name: str) -> str:
    """Runs `work`; writes ``<name>.trace.json.gz`` and ``<name>.txt`` into the results' folder; returns the table."""
    cuda = torch.cuda.is_available()
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if cuda else [])]
    with torch_profile(activities=activities) as profiler:
        work()
    key = "self_cuda_time_total" if cuda else "self_cpu_time_total"
    table: str = profiler.key_averages().table(sort_by=key, row_limit=ROWS)
    folder = out or DEFAULT_FOLDER / this_machine().name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.txt").write_text(table + "\n")
    profiler.export_chrome_trace(str(folder / f"{name}.trace.json.gz"))
    return table

"""Profiles a run with PyTorch's profiler, and reads its peak memory."""

from __future__ import annotations

import resource
from collections.abc import Callable
from pathlib import Path

import torch
from torch.profiler import ProfilerActivity
from torch.profiler import profile as torch_profile

from auricle_server.bench.report.machine import this_machine
from auricle_server.bench.report.results import DEFAULT_FOLDER

ROWS = 25
"""Rows of the table."""
_KIB = 1024


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


def peak_memory_bytes(device: torch.device) -> int:
    """Peak memory so far: of the tensors on a GPU, of the whole process on a CPU."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KIB

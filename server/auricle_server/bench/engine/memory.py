"""How much memory a process or a GPU has needed."""

from __future__ import annotations

import resource
from pathlib import Path

import torch

_KIB = 1024


def memory_bytes(device: torch.device) -> int:
    """The most that was needed so far: tensors on a GPU, the whole process on a CPU."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KIB


def resident_bytes(pid: int) -> int:
    """Memory of a process now, shared pages counted by their share where the kernel says so; 0 when it has gone."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    sizes = dict(line.split(":") for line in text.splitlines() if line.endswith("kB"))
    return int(sizes["Pss"].split()[0]) * _KIB

"""How many CPU threads serve best: the physical cores that the process may use, for a model that has work for them."""

from __future__ import annotations

import math
import os
from pathlib import Path

from auricle_server.engine.weight_formats import LARGE

_TOPOLOGY = Path("/sys/devices/system/cpu")
_CONTROL_GROUP = Path("/sys/fs/cgroup")


def default_threads(parameters: int, device_type: str, workers: int = 1) -> int:
    """Threads of one worker's arithmetic.

    A small model's steps are too short to share, and threads that wait for each other keep the cores from gateways; a
    GPU's worker computes nothing.

    Args:
        parameters: Of the model.
        device_type: ``"cpu"`` or ``"cuda"``.
        workers: Workers on this machine, which share its cores.
    """
    if device_type != "cpu" or parameters < LARGE:
        return 1
    return max(1, usable_cores() // workers)


def usable_cores(topology: Path = _TOPOLOGY, group: Path = _CONTROL_GROUP) -> int:
    """Physical cores that this process may use: by its affinity, and by the quota of its control group (version 2).

    Two threads of one core share its arithmetic units: a matrix product on both is no faster than on one.
    """
    if not hasattr(os, "sched_getaffinity"):
        return os.cpu_count() or 1
    cores = {_siblings(topology / f"cpu{number}", number) for number in os.sched_getaffinity(0)}
    return max(1, min(len(cores), _quota(group)))


def _siblings(cpu: Path, number: int) -> str:
    """A name of the core to which a logical processor belongs."""
    try:
        return (cpu / "topology" / "thread_siblings_list").read_text().strip()
    except OSError:
        return str(number)  # not told: a core of its own


def _quota(group: Path) -> int:
    """Whole cores that the control group may keep busy; very many where it has no limit."""
    unlimited = 1 << 16
    try:
        quota, period = (group / "cpu.max").read_text().split()
    except (OSError, ValueError):
        return unlimited
    return unlimited if quota == "max" else math.ceil(int(quota) / int(period))

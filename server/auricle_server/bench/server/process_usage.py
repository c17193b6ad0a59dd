"""Resources that a running server uses: memory and CPU time of its processes, the GPU, and its own metrics."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

_TICKS = os.sysconf("SC_CLK_TCK")
_KIB = 1024
_EVERY = 1.0
_SERVER = b"auricle_server\0serve\0"
_BUCKET = re.compile(r'^(\w+)_bucket\{(?:(.*),)?le="([^"]+)"(?:,(.*))?\} (\S+)$', re.MULTILINE)


def server_processes(root: int) -> dict[int, str]:
    """Roles (worker, gateway, supervisor) of the processes of the server that process `root` started, by process id."""
    parents = dict(_parents())
    servers = [pid for pid, parent in parents.items() if parent == root and _SERVER in _read(pid, "cmdline")]
    roles = dict.fromkeys(servers, "supervisor")
    grown = True
    while grown:
        found = {pid: _role(pid) for pid, parent in parents.items() if parent in roles and pid not in roles}
        roles |= found
        grown = bool(found)
    return {pid: role for pid, role in roles.items() if role != "helper"}


def _role(pid: int) -> str:
    """A worker has torch loaded; the resource tracker is a helper process of Python's multiprocessing."""
    if b"resource_tracker" in _read(pid, "cmdline"):
        return "helper"
    return "worker" if b"libtorch" in _read(pid, "maps") else "gateway"


def _parents() -> Iterator[tuple[int, int]]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (stat := _read(int(entry.name), "stat")):
            # proc(5): the second field is the command's name in brackets, which may itself hold spaces and brackets.
            yield int(entry.name), int(stat.rpartition(b")")[2].split()[1])


def _read(pid: int, name: str) -> bytes:
    """A file below ``/proc/<pid>``; empty when the process has ended."""
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return b""


def resident_bytes(pid: int) -> int:
    """Proportional set size of a process: shared pages count by their share; 0 when the process has ended."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    # Pss and not Rss: forked processes share pages, which would count once for each.
    sizes = dict(line.split(":") for line in text.splitlines() if line.endswith("kB"))
    return int(sizes["Pss"].split()[0]) * _KIB


def cpu_seconds(pid: int) -> float:
    """CPU time of a process so far."""
    stat = _read(pid, "stat")
    if not stat:
        return 0.0
    fields = stat.rpartition(b")")[2].split()
    # utime and stime, fields 14 and 15 of proc(5); the first two are cut off above.
    return (int(fields[11]) + int(fields[12])) / _TICKS


@dataclass(slots=True)
class Usage:
    """Samples of a run, one each second.

    Attributes:
        memory: Bytes of all processes of a role.
        cores: Cores that the processes of a role kept busy since the last sample.
        gpu: Percentage of the time in which the GPU ran a kernel.
    """

    memory: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    cores: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    gpu: list[float] = field(default_factory=list)


async def watch(root: int, usage: Usage) -> None:
    """Samples until cancelled. The server must be running."""
    roles = server_processes(root)
    spent = {pid: cpu_seconds(pid) for pid in roles}
    while True:
        await asyncio.sleep(_EVERY)
        now = {pid: cpu_seconds(pid) for pid in roles}
        for role in set(roles.values()):
            pids = [pid for pid in roles if roles[pid] == role]
            usage.memory[role].append(sum(map(resident_bytes, pids)))
            usage.cores[role].append(sum(now[pid] - spent[pid] for pid in pids) / _EVERY)
        spent = now
        if (busy := await _gpu_percent()) is not None:
            usage.gpu.append(busy)


async def _gpu_percent() -> float | None:
    command = shutil.which("nvidia-smi")
    if command is None:
        return None
    query = "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits"
    process = await asyncio.create_subprocess_exec(command, *query, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    lines = out.decode().split()
    return float(lines[0]) if process.returncode == 0 and lines else None


def histogram(text: str, name: str, labels: str = "") -> dict[float, float]:
    """Cumulative counts of a Prometheus histogram by upper bound, summed over its label sets that contain `labels`."""
    counts: dict[float, float] = defaultdict(float)
    for found, before, bound, behind, count in _BUCKET.findall(text):
        if found == name and labels in f"{before},{behind}":
            counts[float(bound)] += float(count)
    return dict(counts)


def quantile(before: Mapping[float, float], after: Mapping[float, float], share: float) -> float:
    """Quantile of the values counted between two readings, interpolated inside its bucket; 0 without values."""
    bounds = sorted(bound for bound in after if np.isfinite(bound))
    counts = [after[bound] - before.get(bound, 0.0) for bound in bounds]
    total = after.get(np.inf, 0.0) - before.get(np.inf, 0.0)
    if not bounds or total <= 0:
        return 0.0
    return float(np.interp(share * total, [0.0, *counts], [0.0, *bounds]))

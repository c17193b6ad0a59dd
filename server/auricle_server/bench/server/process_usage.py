"""What a running server uses: memory and processor time of its processes, the GPU, and its own metrics."""

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

from auricle_server.bench.engine.memory import resident_bytes

_TICKS = os.sysconf("SC_CLK_TCK")
_EVERY = 1.0
_SERVER = b"auricle_server\0serve\0"
_BUCKET = re.compile(r'^(\w+)_bucket\{(?:(.*),)?le="([^"]+)"(?:,(.*))?\} (\S+)$', re.MULTILINE)


def server_processes(root: int) -> dict[int, str]:
    """Processes of the server that `root` started, by id, with what they are: worker, gateway or supervisor."""
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
    """Only a worker computes with torch; Python's own helper processes of multiprocessing load nothing of ours."""
    if b"resource_tracker" in _read(pid, "cmdline"):
        return "helper"
    return "worker" if b"libtorch" in _read(pid, "maps") else "gateway"


def _parents() -> Iterator[tuple[int, int]]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (stat := _read(int(entry.name), "stat")):
            yield int(entry.name), int(stat.rpartition(b")")[2].split()[1])


def _read(pid: int, name: str) -> bytes:
    """A file of a process; empty when it has gone."""
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return b""


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used."""
    stat = _read(pid, "stat")
    if not stat:
        return 0.0
    fields = stat.rpartition(b")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


@dataclass(slots=True)
class Usage:
    """Samples of a run, one a second.

    Attributes:
        memory: Bytes of all processes of a role.
        cores: Processor cores busy with them since the sample before.
        gpu: Percent of time in which the GPU ran a kernel.
    """

    memory: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    cores: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    gpu: list[float] = field(default_factory=list)


async def watch(root: int, usage: Usage) -> None:
    """Samples until cancelled; the server must run already."""
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
    """Quantile of what was counted in between, interpolated inside its bucket; 0 when nothing was."""
    bounds = sorted(bound for bound in after if np.isfinite(bound))
    counts = [after[bound] - before.get(bound, 0.0) for bound in bounds]
    total = after.get(np.inf, 0.0) - before.get(np.inf, 0.0)
    if not bounds or total <= 0:
        return 0.0
    return float(np.interp(share * total, [0.0, *counts], [0.0, *bounds]))

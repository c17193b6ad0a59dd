"""How much memory a process may still take: of the machine or, if less, of its control group."""

from __future__ import annotations

from pathlib import Path

_CONTROL_GROUP = Path("/sys/fs/cgroup")
_MACHINE = Path("/proc/meminfo")
_UNLIMITED = 1 << 62


def free_memory(machine: Path = _MACHINE, group: Path = _CONTROL_GROUP) -> int:
    """Bytes that are free; very many where the system does not say.

    Args:
        machine: As Linux's ``/proc/meminfo``.
        group: Folder of a control group (version 2): that of a container.
    """
    try:
        lines = machine.read_text().splitlines()
    except OSError:
        return _free_in_group(group)
    free = sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    return min(free or _UNLIMITED, _free_in_group(group))


def _free_in_group(group: Path) -> int:
    """Bytes up to the limit of a control group; very many where there is none."""
    try:
        limit, used = (group / "memory.max").read_text().strip(), int((group / "memory.current").read_text())
    except OSError:
        return _UNLIMITED
    return _UNLIMITED if limit == "max" else max(0, int(limit) - used)

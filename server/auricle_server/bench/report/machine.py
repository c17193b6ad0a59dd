"""The machine, the versions and the commit that a result belongs to."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import torch

_CPU_INFO = Path("/proc/cpuinfo")
_VERSIONS = ("torch", "triton", "numpy", "nemo-toolkit", "sherpa-onnx", "transformers")
_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Machine:
    """The hardware of a run.

    Attributes:
        name: Short name for files and plots.
        cpu: Model of the processor.
        cores: Cores that this process may use.
        memory_gb: Memory of the machine, 10^9 bytes.
        gpu: Name of the GPU; empty without one.
        driver: Version of the GPU's driver; empty without a GPU.
        gpu_memory_gb: Memory of the GPU, 10^9 bytes; 0 without one.
    """

    name: str
    cpu: str
    cores: int
    memory_gb: float
    gpu: str
    driver: str
    gpu_memory_gb: float


def this_machine() -> Machine:
    """The machine that this process runs on."""
    cpu, cores = _cpu(), len(os.sched_getaffinity(0))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else ""
    gpu_memory = torch.cuda.get_device_properties(0).total_memory / 1e9 if gpu else 0.0
    name = _slug(f"{gpu.removeprefix('NVIDIA ')}" if gpu else f"{cpu} {cores} cores")
    return Machine(name, cpu, cores, round(memory, 1), gpu, _driver() if gpu else "", round(gpu_memory, 1))


def torch_devices() -> list[str]:
    """The devices that PyTorch can use, in words: its GPUs, or else the CPU and why there is no GPU."""
    if not torch.cuda.is_available():
        reason = "this PyTorch is a CPU build" if torch.version.cuda is None else "no usable NVIDIA driver or GPU"
        return [f"cpu, {torch.get_num_threads()} threads ({reason})"]
    gpus = [torch.cuda.get_device_properties(index) for index in range(torch.cuda.device_count())]
    return [f"cuda:{index}, {gpu.name}, {gpu.total_memory / 2**30:.0f} GiB" for index, gpu in enumerate(gpus)]


def versions() -> dict[str, str]:
    """Versions of Python and of the installed numeric packages."""
    found = {"python": platform.python_version()}
    for name in _VERSIONS:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def commit(folder: Path = Path(__file__).parent) -> str:
    """The commit checked out in a folder, with a plus when tracked files differ from it; empty outside a checkout."""
    head = _output("git", "-C", str(folder), "rev-parse", "--short", "HEAD")
    changed = _output("git", "-C", str(folder), "status", "--porcelain", "--untracked-files=no")
    return head + "+" * bool(head and changed)


def _cpu() -> str:
    if _CPU_INFO.exists():
        found = re.search(r"^model name\s*:\s*(.+)$", _CPU_INFO.read_text(), re.MULTILINE)
        if found:
            return found[1].strip()
    return platform.processor() or platform.machine()


def _driver() -> str:
    return _output("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader").partition("\n")[0]


def _output(command: str, *arguments: str) -> str:
    """Output of a command; empty when the command is missing or fails."""
    path = shutil.which(command)
    if path is None:
        return ""
    done = subprocess.run([path, *arguments], capture_output=True, text=True, timeout=_SECONDS, check=False)  # noqa: S603
    return done.stdout.strip() if done.returncode == 0 else ""


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")

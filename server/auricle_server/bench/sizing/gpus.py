"""GPUs by what their data sheets say. Nothing here is measured, but for what an H200 was read to do."""

from __future__ import annotations

import re
from dataclasses import dataclass

from auricle_server.bench.gpu.arithmetic import Ceilings
from auricle_server.bench.gpu.paper import H200, H200_BYTES

_H200_SHEET = 4.8e12, 989e12
"""Bytes a second, and dense bf16 operations a second, of an H200's data sheet."""
REACHED_BANDWIDTH = H200.bandwidth / _H200_SHEET[0]
REACHED_RATE = H200.bf16 / _H200_SHEET[1]
"""Shares of its data sheet that a copy and a product reach on an H200. Other GPUs are assumed to reach the same."""


@dataclass(frozen=True, slots=True)
class GpuType:
    """A GPU of NVIDIA's data sheets.

    Attributes:
        name: As `--gpu` names it.
        memory: Bytes.
        bandwidth: Bytes a second between chip and memory.
        bf16: Dense bf16 operations a second with fp32 sums, without sparsity.
        tf32: Dense TF32 operations a second.
    """

    name: str
    memory: float
    bandwidth: float
    bf16: float
    tf32: float

    @property
    def ceilings(self) -> Ceilings:
        """What it is assumed to do at most."""
        if self.name == "H200":
            return H200
        rates = self.bandwidth * REACHED_BANDWIDTH, self.bf16 * REACHED_RATE, self.tf32 * REACHED_RATE
        return Ceilings(*rates)


def _gpu(name: str, gigabytes: float, gigabytes_a_second: float, bf16: float, tf32: float) -> GpuType:
    return GpuType(name, gigabytes * 1e9, gigabytes_a_second * 1e9, bf16 * 1e12, tf32 * 1e12)


GPUS = {
    gpu.name: gpu
    for gpu in (
        GpuType("H200", float(H200_BYTES), *_H200_SHEET, 494e12),
        _gpu("H100", 80, 3350, 989, 494),
        _gpu("H100-NVL", 94, 3900, 835, 417),
        _gpu("H100-PCIe", 80, 2000, 756, 378),
        _gpu("A100-80GB", 80, 2039, 312, 156),
        _gpu("A100-40GB", 40, 1555, 312, 156),
        _gpu("L40S", 48, 864, 362, 183),
        _gpu("A10", 24, 600, 125, 62.5),
        _gpu("L4", 24, 300, 121, 60),
        _gpu("RTX-4090", 24, 1008, 165, 82.6),
    )
}
"""By name. H100 and A100-80GB are the SXM modules."""


def words_of(name: str) -> list[str]:
    """The parts of a GPU's name, in capitals: ``NVIDIA A100-SXM4-80GB`` has four."""
    return re.findall(r"[A-Z0-9]+", name.upper())


def gpu_type(name: str) -> GpuType | None:
    """The GPU that a name means, however it is written (``h200``, ``rtx 4090``, ``A100``); None for others."""
    wanted = {word for word in words_of(name) if word not in {"NVIDIA", "GEFORCE", "TESLA"}}
    # The first that has all the words: of several A100, the one with more memory.
    return next((gpu for gpu in GPUS.values() if wanted and wanted <= set(words_of(gpu.name))), None)


def is_of_type(recorded: str, wanted: str) -> bool:
    """Whether a GPU as its driver names it (``NVIDIA H100 80GB HBM3``) is of a type, as far as the names say.

    A name with more parts is another GPU where these tell models apart: an ``H100 NVL`` is no ``H100``.
    """
    found, asked = set(words_of(recorded)), {word for word in words_of(wanted) if word != "NVIDIA"}
    return bool(asked) and asked <= found and not (found - asked) & {"NVL", "PCIE", "MIG", "ADA", "LAPTOP", "D"}

"""What bounds a measured step: the host, gaps between kernels, the memory, or the arithmetic units. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from auricle_server.bench.gpu.arithmetic import Ceilings, Work

PARTS: Mapping[str, re.Pattern[str]] = {
    "attention": re.compile("attend_heads"),
    "convolution": re.compile("convolve_rows"),
    "norms": re.compile("norm_rows|layer_norm"),
    "joint": re.compile("score_blocks|combine_blocks|favour|follow"),
    "products": re.compile("gemm|gemv|nvjet|cutlass|cublas|splitk|_scaled_mm|quantise", re.IGNORECASE),
    "subsampling": re.compile("conv|cudnn|winograd|implicit", re.IGNORECASE),
}
"""Parts of a step by the names of their kernels; the first that matches counts. All others are ``elementwise``: copies,
masks, activations, features and the search's bookkeeping."""
OTHERS = "elementwise"
BUSY = 0.05
"""Least share of a step for which the host waits while the device bounds it."""
GAPS = 0.25
"""Share of the device's time without a kernel from which on the gaps are the bound."""


@dataclass(frozen=True, slots=True)
class MeasuredStep:
    """Medians over the steps of one size, seconds.

    Attributes:
        frames: Encoder frames of a chunk.
        rows: Rows of the step.
        period: From one result to the next, steps following each other.
        device: From the arrival of the input on the device to the end of its work.
        waited: Of the period, the time for which the host waited for the device; on a CPU, in which it was the device.
        kernels: Time of the kernels by part; empty without a profile.
        launches: Kernels of a step; 0 without a profile.
    """

    frames: int
    rows: int
    period: float
    device: float
    waited: float
    kernels: Mapping[str, float]
    launches: int


@dataclass(frozen=True, slots=True)
class PartLimit:
    """One part of a step against its floor, seconds.

    Attributes:
        part: Name.
        measured: Time of its kernels; None without a profile.
        memory: Time for its bytes at the device's bandwidth.
        arithmetic: Time for its operations at the device's rates.
    """

    part: str
    measured: float | None
    memory: float
    arithmetic: float

    @property
    def floor(self) -> float:
        """The least time."""
        return max(self.memory, self.arithmetic)

    @property
    def unit(self) -> str:
        """What sets the floor."""
        return "memory bandwidth" if self.memory >= self.arithmetic else "arithmetic units"


@dataclass(frozen=True, slots=True)
class StepLimit:
    """What bounds a step.

    Attributes:
        step: The measurement.
        parts: Each part against its floor, the longest first.
        floor: The least time of all parts together, seconds.
        bound: In words.
    """

    step: MeasuredStep
    parts: tuple[PartLimit, ...]
    floor: float
    bound: str


def part_of(kernel: str) -> str:
    """The part of a step to which a kernel belongs, by its name."""
    return next((part for part, pattern in PARTS.items() if pattern.search(kernel)), OTHERS)


def kernels_by_part(times: Iterable[tuple[str, float]]) -> dict[str, float]:
    """Sums times of kernels, given with their names, by part."""
    sums: dict[str, float] = {}
    for name, seconds in times:
        part = part_of(name)
        sums[part] = sums.get(part, 0.0) + seconds
    return sums


def step_limit(step: MeasuredStep, work: tuple[Work, ...], ceilings: Ceilings, fp8: bool = False) -> StepLimit:
    """Compares a step with the arithmetic."""
    parts = [PartLimit(one.part, step.kernels.get(one.part), *one.seconds(ceilings, fp8)) for one in work]
    parts.sort(key=lambda part: part.floor if part.measured is None else part.measured, reverse=True)
    floor = sum(part.floor for part in parts)
    return StepLimit(step, tuple(parts), floor, _bound(step, parts, floor))


def _bound(step: MeasuredStep, parts: list[PartLimit], floor: float) -> str:
    if step.waited < BUSY * step.period:
        return f"host time: it is busy for {1 - step.waited / step.period:.0%} of the step, and the device waits for it"
    running = sum(step.kernels.values())
    if step.kernels and running < (1 - GAPS) * step.device:
        gaps = 1 - running / step.device
        return f"launch overhead: no kernel runs for {gaps:.0%} of the device's time, between {step.launches} launches"
    longest = parts[0]
    named = f"{longest.part}, {longest.floor / (longest.measured or step.device):.0%} of whose time is its floor"
    if longest.measured is None:  # without a profile only the floors tell the parts apart
        named = f"{longest.part}, by the floors alone"
    return f"{longest.unit} ({named}); the whole step is at {floor / step.device:.0%} of its floor's speed"

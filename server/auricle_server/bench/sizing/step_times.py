"""How long an engine's steps take on a machine: from the committed records, or else from the roofline."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from auricle_server.bench.gpu.arithmetic import floor_seconds, step_work
from auricle_server.bench.sizing.gpus import GpuType
from auricle_server.checkpoints.config import ModelConfig
from auricle_server.engine.build import CUDA_FRAMES, CUDA_ROWS
from auricle_server.worker.admission import StepCalibration, StepTiming

Result = Mapping[str, Any]


class Basis(StrEnum):
    """How a figure is known."""

    MEASURED = "measured"
    ARITHMETIC = "arithmetic"
    ASSUMED = "assumed"
    GIVEN = "given"


@dataclass(frozen=True, slots=True)
class StepTimes:
    """Steps over chunks of one size.

    Attributes:
        latency_ms: Chunk size.
        rows: Rows of the steps whose time is known, ascending, [n].
        seconds: Their times, never falling, [n].
        most_rows: Most rows of a step.
        basis: How the times are known.
        source: In words: which record, or which assumption.
        sustained: Most live streams that a bench of the engine held; None where it was not measured.
        on_gpu: Whether they are a GPU's.
    """

    latency_ms: int
    rows: tuple[int, ...]
    seconds: tuple[float, ...]
    most_rows: int
    basis: Basis
    source: str
    sustained: int | None = None
    on_gpu: bool = True

    def of(self, rows: int) -> float:
        """Seconds of a step, between the known sizes in proportion; beyond the largest the last slope goes on."""
        if rows <= self.rows[-1] or len(self.rows) == 1:
            scale = max(1.0, rows / self.rows[-1])
            return float(np.interp(rows, self.rows, self.seconds)) * scale
        (first, last), (before, after) = self.rows[-2:], self.seconds[-2:]
        return after + (rows - last) * (after - before) / (last - first)

    @property
    def calibration(self) -> StepCalibration:
        """What a worker with these steps starts from: see `auricle_server.worker.step_timing`."""
        steps = tuple(StepTiming(self.latency_ms, *each) for each in zip(self.rows, self.seconds, strict=True))
        return StepCalibration(steps, {self.latency_ms: self.most_rows})


def from_roofline(gpu: GpuType, config: ModelConfig, latency_ms: int, efficiency: float) -> StepTimes:
    """Arithmetic: each step takes its floor (`bench.gpu.arithmetic`) over `efficiency`.

    Args:
        gpu: Of a data sheet.
        config: Architecture.
        latency_ms: Chunk size.
        efficiency: Share of the floor's speed that steps are assumed to reach, above 0 and at most 1.
    """
    frames = round(latency_ms / 1000 / config.frame_seconds)
    most = min(CUDA_ROWS, CUDA_FRAMES // frames)
    sizes = sorted({*(1 << power for power in range(12) if 1 << power < most), most})
    seconds = [floor_seconds(step_work(config, frames, rows), gpu.ceilings) / efficiency for rows in sizes]
    source = f"roofline of the {gpu.name}'s data sheet; steps are assumed to reach {efficiency:.0%} of its speed"
    return StepTimes(latency_ms, tuple(sizes), tuple(seconds), most, Basis.ARITHMETIC, source)


def from_records(results: Sequence[Result], config: ModelConfig, latency_ms: int) -> StepTimes | None:
    """The steps that records of one machine and one model have measured; None where they have none of this latency.

    Records of `auricle bench steps` tell the times best; those of `auricle bench engine` also how many streams held.
    """
    frames = round(latency_ms / 1000 / config.frame_seconds)
    engine = [each for each in results if each["kind"] == "engine" and each["figures"]["latency_ms"] == latency_ms]
    steps = [each for each in results if each["kind"] == "steps" and not each["figures"]["fp8"]]
    timed = list(_timed_steps(steps, frames)) or list(_live_steps(engine))
    if not timed:
        return None
    rows, seconds = _rising(timed)
    source = [*steps, *engine][0]
    machine = source["machine"]
    about = f"{machine['gpu'] or machine['cpu']}, {machine['cores']} cores, {source['date'][:10]}"
    newest = max(engine, key=lambda each: str(each["date"]), default=None)
    sustained = None if newest is None else int(newest["figures"]["sustained_streams"])
    most = rows[-1] if newest is None else int(newest["figures"]["max_rows"][str(frames)])
    told = f"{', '.join(sorted({each['kind'] for each in (*steps, *engine)}))} records of {about}"
    return StepTimes(latency_ms, rows, seconds, most, Basis.MEASURED, told, sustained, bool(machine["gpu"]))


def _timed_steps(results: Iterable[Result], frames: int) -> Iterator[tuple[int, float]]:
    for result in results:
        steps = [limit["step"] for limit in result["figures"]["steps"]]
        yield from ((step["rows"], step["period"]) for step in steps if step["frames"] == frames)


def _live_steps(results: Iterable[Result]) -> Iterator[tuple[int, float]]:
    for result in results:
        yield from ((round(each["rows_p50"]), each["step_p50"]) for each in result["figures"]["tried"])


def _rising(timed: Iterable[tuple[int, float]]) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Rows ascending, each once with the mean of its times; a larger step never takes less time than a smaller one."""
    by_rows: dict[int, list[float]] = defaultdict(list)
    for rows, seconds in timed:
        by_rows[max(1, rows)].append(seconds)
    sizes = sorted(by_rows)
    means = np.maximum.accumulate([float(np.mean(by_rows[each])) for each in sizes])
    return tuple(sizes), tuple(float(each) for each in means)

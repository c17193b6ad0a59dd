"""`auricle bench steps`: times single steps, and says what bounds each."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.profiler import ProfilerActivity
from torch.profiler import profile as torch_profile

from auricle_server.bench.clips import SAMPLE_RATE, Speakers
from auricle_server.bench.engine.profile import peak_memory_bytes
from auricle_server.bench.gpu.arithmetic import Ceilings, Formats, step_work
from auricle_server.bench.gpu.ceilings import measured_ceilings
from auricle_server.bench.gpu.limits import MeasuredStep, StepLimit, kernels_by_part, step_limit
from auricle_server.bench.gpu.lines import ceilings_line, limit_lines, shapes_lines
from auricle_server.bench.models.bench_models import BenchModel, bench_model
from auricle_server.bench.report.results import record, write
from auricle_server.engine.build import Hardware
from auricle_server.engine.engine import Engine
from auricle_server.engine.runners.cuda_graphs import StaticRunner
from auricle_server.engine.types import StepResults
from auricle_server.engine.weight_formats import WeightFormat

Log = Callable[[str], None]

FRAMES = (1, 16, 256, 1024, 2048, 4096)
"""Encoder frames of the steps that are timed, all rows together."""
CHUNKS = 10
"""Steps of each size that are timed, after one that is not."""
SCALE_BYTES = 2
"""Of the scale that each frame of a head has where rings are in FP8."""
PROFILED = 3
"""Steps of each size that are profiled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepsOptions:
    """What to measure.

    Attributes:
        model: Checkpoint; see `load_checkpoint`.
        random_weights: An architecture of `SHAPES` with random weights, instead of the checkpoint.
        latencies_ms: Chunk latencies; empty means all latencies of the model.
        rows: Rows of the steps; empty means what makes up `FRAMES` encoder frames.
        device: ``"auto"``, ``"cpu"``, ``"cuda"``.
        threads: CPU threads.
        profile: Whether to profile the kernels, to tell the parts of a step apart.
        fp8_products: Whether the encoder's products are in FP8 (`Hardware.weights`).
        fp8_rings: Whether keys and values are kept in FP8 (`Hardware.fp8_rings`).
        budget: Seconds after which no further size is started; None means no limit.
        out: Folder of the results.
    """

    model: str = "demo"
    random_weights: str | None = None
    latencies_ms: tuple[int, ...] = ()
    rows: tuple[int, ...] = ()
    device: str = "auto"
    threads: int = 1
    profile: bool = False
    fp8_products: bool = False
    fp8_rings: bool = False
    budget: float | None = None
    out: Path | None = None


def run(options: StepsOptions, log: Log) -> dict[str, Any]:
    """Measures all sizes; the record is written anew after each of them, and returned."""
    torch.set_num_threads(options.threads)
    hardware = _hardware(options)
    ends = time.monotonic() + (options.budget or float("inf"))
    model = bench_model(options.model, options.random_weights, device=hardware.device, threads=options.threads)
    ceilings = measured_ceilings(torch.device(hardware.device))
    log(ceilings_line(asdict(ceilings)))
    bench = _StepsBench(options, hardware, model, ceilings)
    for line in shapes_lines(bench.shapes):
        log(line)
    result = bench.written()
    for latency_ms, rows in bench.sizes():
        if time.monotonic() > ends:
            log(f"{latency_ms} ms, {rows} rows: skipped, the time budget is used up")
            continue
        for line in limit_lines(asdict(bench.measure(latency_ms, rows))):
            log(line)
        result = bench.written()
    return result


def _hardware(options: StepsOptions) -> Hardware:
    weights = WeightFormat.FP8 if options.fp8_products else WeightFormat.FLOAT32
    dtype = torch.bfloat16 if options.fp8_products else None
    return Hardware(options.device, dtype, keyterms=False, weights=weights, fp8_rings=options.fp8_rings).resolved()


class _StepsBench:
    def __init__(self, options: StepsOptions, hardware: Hardware, model: BenchModel, ceilings: Ceilings) -> None:
        self._options, self._hardware, self._model, self._ceilings = options, hardware, model, ceilings
        self._device = torch.device(hardware.device)
        frame_ms = model.checkpoint.config.frame_seconds * 1000
        contexts = model.checkpoint.config.encoder.contexts
        self._frames = {round((right + 1) * frame_ms): right + 1 for _, right in contexts}
        self._most = hardware.rows_of(sorted(self._frames.values()))
        most = max(options.rows) if options.rows else max(rows for _, rows in self.sizes())
        began = time.monotonic()
        self._engine = Engine(model.checkpoint, slots=most, hardware=hardware)
        self._engine.warm_up()
        self._warm_up_seconds = time.monotonic() - began
        self._limits: list[StepLimit] = []

    def sizes(self) -> Iterator[tuple[int, int]]:
        """Latency and rows of the steps to time, the largest of each latency first: they tell most."""
        for latency_ms in self._options.latencies_ms or sorted(self._frames):
            if latency_ms not in self._frames:
                offered = ", ".join(map(str, sorted(self._frames)))
                raise ValueError(f"the model offers no latency of {latency_ms} ms; it offers {offered}")
            frames = self._frames[latency_ms]
            counts = self._options.rows or {min(self._most[frames], max(1, total // frames)) for total in FRAMES}
            yield from ((latency_ms, rows) for rows in sorted(counts, reverse=True) if rows <= self._most[frames])

    def measure(self, latency_ms: int, rows: int) -> StepLimit:
        """Times and profiles steps of one size."""
        frames = self._frames[latency_ms]
        periods, results = self._run(latency_ms, rows, CHUNKS + 2)
        # On a CPU the host itself is the device.
        waits = [result.seconds if self._device.type == "cpu" else result.waited for result in results]
        kernels, launches = self._profiled(latency_ms, rows) if self._options.profile else ({}, 0)
        step = MeasuredStep(
            frames,
            rows,
            float(np.median(periods)),
            float(np.median([result.seconds for result in results])),
            float(np.median(waits)),
            kernels,
            launches,
        )
        assert self._hardware.dtype is not None, "resolved"
        size = self._hardware.dtype.itemsize
        config, fp8_products = self._model.checkpoint.config, self._options.fp8_products
        head_dim = config.encoder.d_model // config.encoder.heads
        cache = 1 + SCALE_BYTES / head_dim if self._options.fp8_rings else size
        work = step_work(config, frames, rows, Formats(1 if fp8_products else size, size, cache))
        limit = step_limit(step, work, self._ceilings, fp8_products)
        self._limits.append(limit)
        return limit

    def _run(self, latency_ms: int, rows: int, chunks: int) -> tuple[list[float], list[StepResults]]:
        """Runs chunks of so many streams at once; the periods and results of full steps, without the first two."""
        engine = self._engine
        leases = [engine.open(latency_ms, engine.info.default_language) for _ in range(rows)]
        speakers, samples = Speakers(rows), chunks * latency_ms * SAMPLE_RATE // 1000
        for row, lease in enumerate(leases):
            engine.push(lease, speakers.audio(row, samples))
        periods, results, began = [], [], time.perf_counter()
        while engine.ready:
            result, now = engine.step(), time.perf_counter()
            if result.computed == rows:
                periods.append(now - began)
                results.append(result)
            began = now
        for lease in leases:
            engine.close(lease)
        return periods[2:], results[2:]

    def _profiled(self, latency_ms: int, rows: int) -> tuple[dict[str, float], int]:
        """Seconds of the kernels of one step by part, and their number; nothing on a CPU, which has no kernels."""
        if self._device.type != "cuda":
            return {}, 0
        steps = 0
        with torch_profile(activities=[ProfilerActivity.CUDA]) as profiler:
            steps = len(self._run(latency_ms, rows, PROFILED + 2)[1]) + 2
        events = [event for event in profiler.key_averages() if event.self_device_time_total > 0]
        times = [(event.key, event.self_device_time_total / 1e6 / steps) for event in events]
        return kernels_by_part(times), round(sum(event.count for event in events) / steps)

    @property
    def shapes(self) -> dict[str, Any]:
        """What warming up took, in all and for each shape."""
        runner = self._engine._runner  # noqa: SLF001 - the engine's callers need not know that there are shapes
        captured = runner.captured if isinstance(runner, StaticRunner) else []
        return {"seconds": self._warm_up_seconds, "captured": [asdict(shape) for shape in captured]}

    def written(self) -> dict[str, Any]:
        """Writes the record of what was measured so far."""
        figures = {
            "model": self._model.name,
            "millions_of_parameters": self._model.millions,
            "device": self._hardware.device,
            "dtype": str(self._hardware.dtype).removeprefix("torch."),
            "fp8": [name for name in ("products", "rings") if getattr(self._options, f"fp8_{name}")],
            "ceilings": asdict(self._ceilings),
            "warm_up": self.shapes,
            "memory_bytes": peak_memory_bytes(self._device),
            "steps": [asdict(limit) for limit in self._limits],
        }
        result = record("steps", asdict(self._options), figures)
        fp8 = ("-fp8-products" * self._options.fp8_products) + ("-fp8-rings" * self._options.fp8_rings)
        write(result, self._options.out, f"steps-{self._model.name.replace('/', '-')}{fp8}")
        return result

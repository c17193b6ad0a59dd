"""`auricle bench engine`: live streams that the engine sustains at each chunk latency, and other engines beside it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, replace
from types import MappingProxyType
from typing import Any

import torch

from auricle_server.bench.clips import SAMPLE_RATE, Speakers
from auricle_server.bench.engine.beside import BaselineModel, Comparison, baselines, check
from auricle_server.bench.engine.clocks import VirtualClock
from auricle_server.bench.engine.engine_process import check_checkout
from auricle_server.bench.engine.live_streams import LiveFigures, LiveRun, alone
from auricle_server.bench.engine.one_stream import OneStreamOptions, OneStreamResult, measure_one_stream
from auricle_server.bench.engine.options import EngineOptions
from auricle_server.bench.engine.profile import peak_memory_bytes, profiled
from auricle_server.bench.models.bench_models import BenchModel, bench_hardware, bench_model, slots_that_fit
from auricle_server.bench.report.results import record, write
from auricle_server.bench.search import OutOfTime, largest
from auricle_server.bench.transcripts import Agreement, compare
from auricle_server.engine.build import Hardware
from auricle_server.engine.engine import Engine
from auricle_server.engine.memory import memory_need
from auricle_server.engine.threads import default_threads
from auricle_server.engine.weight_formats import WeightFormat

Log = Callable[[str], None]

MOST = 32_768
FIRST_TRY = {"cpu": 8, "cuda": 512}
"""Where a search starts that knows nothing of the model's speed."""
FIRST_LOAD = 0.7
"""Where a search starts otherwise: the streams that one after another would take this share of the time."""
CHUNKS_HELD = 12
"""Fewest chunks of each stream that are measured, at every chunk latency."""


def run(options: EngineOptions, log: Log) -> list[dict[str, Any]]:
    """Measures every chunk latency of the options; writes and returns the records.

    Raises:
        ValueError: An option has no valid value.
        EngineProcessFailed: The engine could not be built in a process of its own.
        MissingPackage: A baseline is not installed.
    """
    hardware = bench_hardware(options.device, options.dtype)
    check(options.baselines)
    if options.against is not None:
        check_checkout(options.against)
    device = torch.device(hardware.device)
    model = bench_model(options.model, options.random_weights, device=str(device), threads=options.threads, log=log)
    threads = options.threads or default_threads(round(model.millions * 1e6), device.type)
    torch.set_num_threads(threads)
    options = replace(options, threads=threads)
    about = f"{model.millions:.0f} M parameters, {model.tokens_per_second:.1f} tokens per second of speech"
    log(f"{model.name}: {about}, {threads} threads")
    if device.type != "cpu" or not (options.one_stream or options.against):
        return list(_Bench(options, hardware, model, log).records())
    with model.stored(log) as (name, stored):
        del model  # drawn weights; `stored` has them mapped from a file
        one_stream = {result.figures.latency_ms: result for result in _one_stream(name, threads, options, log)}
    return list(_Bench(options, hardware, stored, log, one_stream).records())


def _one_stream(name: str, threads: int, options: EngineOptions, log: Log) -> Iterator[OneStreamResult]:
    return measure_one_stream(
        OneStreamOptions(
            model=name,
            dtype=options.dtype,
            threads=threads,
            latencies_ms=options.latencies_ms,
            against=options.against,
        ),
        log,
    )


class _Bench:
    """Measures one model on one device."""

    def __init__(
        self,
        options: EngineOptions,
        hardware: Hardware,
        model: BenchModel,
        log: Log,
        one_stream: Mapping[int, OneStreamResult] = MappingProxyType({}),
    ) -> None:
        self._options, self._hardware, self._model, self._log = options, hardware, model, log
        self._one_stream = one_stream
        self._ends = self._search_ends = time.monotonic() + (options.budget or float("inf"))
        assert hardware.dtype is not None, "resolved"
        fit = slots_that_fit(model.checkpoint.config, torch.device(hardware.device), hardware.dtype)
        self._most = options.streams or min(options.most or MOST, fit)
        self._clock = VirtualClock(options.stopwatch)
        log("building the engine")
        self._engine = Engine(model.checkpoint, slots=self._most, hardware=hardware, clock=self._clock)
        self._engine.warm_up()

    def records(self) -> Iterator[dict[str, Any]]:
        """Yields one record for each latency; each is written as soon as it is complete."""
        options = self._options
        with baselines(options.baselines, self._model, self._hardware, torch.get_num_threads()) as others:
            latencies = options.latencies_ms or self._engine.info.latencies_ms
            for index, latency_ms in enumerate(latencies):
                left = self._ends - time.monotonic()
                if left < 0:
                    self._log(f"{latency_ms} ms: skipped, the time budget is used up")
                    continue
                self._search_ends = time.monotonic() + left / (len(latencies) - index)
                yield self._record(latency_ms, others)

    def _record(self, latency_ms: int, others: dict[str, BaselineModel]) -> dict[str, Any]:
        one_stream = self._one_stream.get(latency_ms)
        figures = {**(one_stream.record() if one_stream else {}), **self._live(latency_ms)}
        if others:
            figures |= self._compared(latency_ms, others)
        result = record("engine", asdict(self._options), {**self._about(latency_ms), **figures})
        packed = "" if self._engine.weights is WeightFormat.FLOAT32 else f"-{self._engine.weights}"
        name = f"engine-{self._model.name.replace('/', '-')}-{latency_ms}ms{packed}"
        path = write(result, self._options.out, name)
        self._log(f"written to {path}")
        return result

    def _about(self, latency_ms: int) -> dict[str, Any]:
        dtype, weights = self._hardware.dtype, self._engine.weights
        assert dtype is not None, "resolved"
        return {
            "model": self._model.name,
            "millions_of_parameters": self._model.millions,
            "tokens_per_second": self._model.tokens_per_second,
            "latency_ms": latency_ms,
            "device": str(self._hardware.device),
            "dtype": str(dtype).removeprefix("torch."),
            "weights": str(weights),
            "weight_bytes": memory_need(self._model.checkpoint.config, dtype, weights).weights,
            "isa": torch.backends.cpu.get_cpu_capability().lower(),
            "max_rows": self._hardware.rows_of([round(latency_ms / 1000 / self._engine.info.frame_seconds)]),
        }

    # --- live streams ------------------------------------------------------------------------------------------------

    def _live(self, latency_ms: int) -> dict[str, Any]:
        """Measures the given number of streams, or searches the largest sustained number."""
        tried: dict[int, tuple[LiveFigures, list[list[int]]]] = {}

        def holds(streams: int) -> bool:
            if tried and time.monotonic() > self._search_ends:
                self._log(f"{latency_ms} ms, {streams} streams: not tried, the time budget is used up")
                raise OutOfTime
            tried[streams] = self._try(latency_ms, streams)
            return tried[streams][0].sustained

        if self._options.streams:
            found = self._options.streams if holds(self._options.streams) else 0
        else:
            found = largest(holds, start=self._first_try(latency_ms), most=self._most)
        figures, tokens = tried[found or min(tried)]
        return {
            "sustained_streams": found,
            "limit": self._most,
            "live": asdict(figures),
            "tried": [_line(tried[streams][0]) for streams in sorted(tried)],
            "memory_bytes": peak_memory_bytes(torch.device(self._hardware.device)),
            "transcripts": asdict(self._agreement(latency_ms, figures, tokens)),
            **self._profile(latency_ms, figures.streams),
        }

    def _first_try(self, latency_ms: int) -> int:
        """The first number of streams of a search."""
        one_stream = self._one_stream.get(latency_ms)
        if one_stream is None:
            return FIRST_TRY[torch.device(self._hardware.device).type]
        return max(1, int(FIRST_LOAD / one_stream.figures.real_time_factor))

    def _try(self, latency_ms: int, streams: int) -> tuple[LiveFigures, list[list[int]]]:
        run = LiveRun(self._engine, self._clock, Speakers(streams), streams, latency_ms)
        figures = run.run(self._options.ramp, max(self._options.hold, CHUNKS_HELD * latency_ms / 1000))
        verdict = "sustained" if figures.sustained else "too many"
        waits = f"wait p50 {figures.wait.p50 * 1e3:.1f} p99 {figures.wait.p99 * 1e3:.1f} ms"
        steps = f"step p50 {figures.step.p50 * 1e3:.1f} ms, {figures.rows.p50:.0f} rows"
        self._log(f"{latency_ms} ms, {streams} streams: {verdict}; {waits}, {steps}, busy {figures.busy:.0%}")
        return figures, run.tokens

    def _agreement(self, latency_ms: int, figures: LiveFigures, tokens: list[list[int]]) -> Agreement:
        """Runs some of the streams again, each alone, and compares the transcripts."""
        count = min(self._options.compare, len(tokens))
        speakers = Speakers(figures.streams)
        samples = round((figures.held + self._options.ramp + latency_ms / 1000) * SAMPLE_RATE)
        rows = range(0, count * (len(tokens) // max(1, count)), max(1, len(tokens) // max(1, count)))
        lonely = [alone(self._engine, speakers, row, latency_ms, samples) for row in rows]
        agreement = compare(self._model.checkpoint.pieces, [tokens[row] for row in rows], lonely)
        self._log(
            f"{latency_ms} ms, {figures.streams} streams: {agreement.equal} of {agreement.streams} transcripts equal "
            f"those of the streams alone; {agreement.differing} of {agreement.words} words differ"
        )
        return agreement

    def _profile(self, latency_ms: int, streams: int) -> dict[str, Any]:
        if not self._options.profile:
            return {}
        name = f"profile-{self._model.name.replace('/', '-')}-{latency_ms}ms"
        run = LiveRun(self._engine, self._clock, Speakers(streams), streams, latency_ms)
        table = profiled(lambda: run.run(0.0, CHUNKS_HELD * latency_ms / 1000), self._options.out, name)
        self._log(table)
        return {"profile": name}

    def _compared(self, latency_ms: int, others: dict[str, BaselineModel]) -> dict[str, Any]:
        right = round(latency_ms / 1000 / self._engine.info.frame_seconds) - 1
        comparison = Comparison(
            engine=self._engine,
            latency_ms=latency_ms,
            context=next(pair for pair in self._model.checkpoint.config.encoder.contexts if pair[1] == right),
            others=others,
            start=self._first_try(latency_ms),
            most=self._most,
            rounds=self._options.rounds,
            stopwatch=self._options.stopwatch,
            log=self._log,
        )
        return {"rounds": comparison.measure()}


def _line(figures: LiveFigures) -> dict[str, Any]:
    """One point of a plot: the figures of one number of streams."""
    return {
        "streams": figures.streams,
        "wait_p50": figures.wait.p50,
        "wait_p95": figures.wait.p95,
        "wait_p99": figures.wait.p99,
        "step_p50": figures.step.p50,
        "step_p99": figures.step.p99,
        "rows_p50": figures.rows.p50,
        "busy": figures.busy,
        "sustained": figures.sustained,
    }

"""`auricle bench serve`: a whole server under load, with clients in their own processes."""

from __future__ import annotations

import asyncio
import math
import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import numpy as np

from auricle_server.bench.clips import load_clips
from auricle_server.bench.models.bench_models import BenchModel, bench_hardware, bench_model
from auricle_server.bench.report.results import record, write
from auricle_server.bench.report.summaries import Spread, drift
from auricle_server.bench.search import OutOfTime, largest
from auricle_server.bench.server.clients import ClientPlan, Report, run_clients
from auricle_server.bench.server.criterion import Load, problems
from auricle_server.bench.server.expected_words import reference_texts
from auricle_server.bench.server.process_usage import Usage, histogram, quantile, watch
from auricle_server.bench.transcripts import error_rate
from auricle_server.demo.server_process import serve
from auricle_server.dtypes import AUTO
from auricle_server.engine.build import Hardware

Log = Callable[[str], None]

SETTLE = 3.0
"""Seconds between the start of the client processes and their first connection: they import, and read the clips."""
REFERENCE_STREAMS = 16
"""Streams whose transcripts are compared with those of the same streams alone."""
SPARE_SLOTS = 8
MEGABYTE = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """The load, and the server's options.

    Attributes:
        model: Checkpoint; see `load_checkpoint`.
        random_weights: An architecture of `SHAPES` with random weights, instead of the checkpoint.
        latency_ms: Chunk latency of the streams.
        streams: Number of streams; None searches the largest number.
        first: First number of streams of the search.
        most: Upper end of the search.
        budget: Seconds after which the search tries no further number; None means no limit.
        seconds: Length of each stream after the ramp.
        ramp: Seconds over which the streams start.
        gateways: Gateway processes.
        workers: Worker processes.
        client_processes: Processes of clients.
        threads: CPU threads of a worker.
        device: Device of the workers.
        dtype: Their precision, one of `auricle_server.dtypes.DTYPES`.
        soak: Length of a soak in minutes; None for a short run.
        out: Folder of the results.
    """

    model: str = "demo"
    random_weights: str | None = None
    latency_ms: int = 160
    streams: int | None = 8
    first: int = 4
    most: int = 4096
    budget: float | None = None
    seconds: float = 20.0
    ramp: float = 2.0
    gateways: int = 1
    workers: int = 1
    client_processes: int = 1
    threads: int = 1
    device: str = "auto"
    dtype: str = AUTO
    soak: float | None = None
    out: Path | None = None


def run(options: ServeOptions, log: Log) -> tuple[dict[str, Any], list[str]]:
    """Measures one number of streams, or searches the largest; writes the record.

    Returns:
        The record, and the problems of the reported number of streams; see `problems`.
    """
    hardware = bench_hardware(options.device, options.dtype)
    model = bench_model(options.model, options.random_weights, device=hardware.device, threads=options.threads, log=log)
    if options.soak:
        options = replace(options, seconds=60.0 * options.soak)
    with model.archive() as archive:
        name = options.model if options.random_weights is None else str(archive)
        bench = _ServeBench(options, model, name, hardware, log)
        if options.streams is None:
            bench.find()
        else:
            bench.load(options.streams)
        return bench.written()


class _ServeBench:
    def __init__(self, options: ServeOptions, model: BenchModel, name: str, hardware: Hardware, log: Log) -> None:
        self._options, self._model, self._name, self._hardware, self._log = options, model, name, hardware, log
        self._tried: list[Load] = []
        self._ends = time.monotonic() + options.budget if options.budget else math.inf
        self._longest = 0.0
        """Seconds that a number of streams has taken at most."""

    def find(self) -> None:
        """Searches the largest number of streams without problems."""

        def holds(streams: int) -> bool:
            began = time.monotonic()
            if began + self._longest > self._ends:
                self._log(f"{streams} streams: not tried, the time budget is used up")
                raise OutOfTime
            load = self.load(streams)
            self._longest = max(self._longest, time.monotonic() - began)
            self.written()
            return not problems(load)

        largest(holds, start=self._options.first, most=self._options.most)

    def written(self) -> tuple[dict[str, Any], list[str]]:
        """Writes the record of what was measured so far; returns it, and the problems of the reported load."""
        options, kind = self._options, "soak" if self._options.soak else "serve"
        held = [load for load in self._tried if not problems(load, soak=bool(options.soak))]
        load = max(held or self._tried, key=lambda one: one.streams if held else -one.streams)
        wrong = problems(load, soak=bool(options.soak))
        found = None if options.streams is not None else load.streams if held else 0
        figures: dict[str, Any] = {"model": self._model.name, "capacity_streams": found, "problems": wrong}
        figures |= {"load": asdict(load), "tried": [_line(one) for one in self._tried]}
        result = record(kind, asdict(options), figures)
        name = f"{kind}-{self._model.name.replace('/', '-')}-{options.latency_ms}ms"
        self._log(f"written to {write(result, options.out, name)}")
        return result, wrong

    def load(self, streams: int) -> Load:
        """Measures one number of streams on a new server."""
        load = asyncio.run(self._load(streams))
        self._tried.append(load)
        wrong = problems(load, soak=bool(self._options.soak))
        self._log(
            f"{load.latency_ms} ms, {streams} streams: final {load.final_after_finalize.p50 * 1e3:.0f} / "
            f"{load.final_after_finalize.p95 * 1e3:.0f} ms (p50 / p95), partial lag p95 "
            f"{load.partial_lag.p95 * 1e3:.0f} ms, step p99 {load.step_p99 * 1e3:.1f} ms, "
            f"WER {load.word_error_rate:.2f} % (alone {load.word_error_rate_alone:.2f} %): "
            + ("; ".join(wrong) if wrong else "holds")
        )
        return load

    async def _load(self, streams: int) -> Load:
        options, loop, usage = self._options, asyncio.get_running_loop(), Usage()
        count = min(options.client_processes, streams)
        # Spawned: a forked process would inherit the locks of torch's threads, but not the threads.
        with ProcessPoolExecutor(count, mp_context=get_context("spawn")) as pool:
            async with serve(self._name, *self._server_options(streams)) as (url, ready_seconds):
                plans = self._plans(url, streams, count)
                running = [loop.run_in_executor(pool, run_clients, plan) for plan in plans]
                watching = asyncio.create_task(watch(os.getpid(), usage))
                await asyncio.sleep(max(0.0, plans[0].start + options.ramp - time.monotonic()))
                # Counters only grow: the run is the difference between two readings, and the ramp stays out of it.
                before = await _metrics(url)
                reports = await asyncio.gather(*running)
                after = await _metrics(url)
                watching.cancel()
                with suppress(asyncio.CancelledError):
                    await watching
        report = Report()
        for part in reports:
            report.add(part)
        return self._summary(streams, ready_seconds, report, usage, before, after)

    def _server_options(self, streams: int) -> list[str]:
        options = self._options
        slots = math.ceil(streams / options.workers) + SPARE_SLOTS
        pairs = {
            "slots": slots,
            "gateways": options.gateways,
            "workers": options.workers,
            "threads": options.threads,
            "device": options.device,
            "dtype": options.dtype,
            "max-load": 0,  # admission by load is off: the bench looks for the limit
        }
        return [text for name, value in pairs.items() for text in (f"--{name}", str(value))]

    def _plans(self, url: str, streams: int, processes: int) -> list[ClientPlan]:
        options, address = self._options, urlsplit(url)
        assert address.hostname is not None, "serve() yields host and port"
        assert address.port is not None, "serve() yields host and port"
        start, edges = time.monotonic() + SETTLE, np.linspace(0, streams, processes + 1).round().astype(int)
        return [
            ClientPlan(
                host=address.hostname,
                port=address.port,
                first=int(first),
                streams=int(last - first),
                latency_ms=options.latency_ms,
                start=start,
                ramp=options.ramp,
                seconds=options.seconds + options.ramp,
            )
            for first, last in pairwise(edges)
        ]

    def _summary(
        self, streams: int, ready_seconds: float, report: Report, usage: Usage, before: str, after: str
    ) -> Load:
        options = self._options
        steps = [histogram(text, "auricle_step_seconds") for text in (before, after)]
        rows = [histogram(text, "auricle_batch_rows") for text in (before, after)]
        rate, alone = self._word_error_rates(report)
        return Load(
            streams=streams,
            latency_ms=options.latency_ms,
            seconds=options.seconds,
            ready_seconds=ready_seconds,
            client_lateness=Spread.of(report.lateness),
            first_partial=Spread.of(report.first_partial),
            partial_lag=Spread.of(report.partial_lag),
            final_after_speech=Spread.of(report.final_after_speech),
            final_after_finalize=Spread.of(report.final_after_finalize),
            turn_end=Spread.of(report.turn_end),
            cut_ins=report.cut_ins,
            drift=drift(report.lag),
            missing=report.missing,
            errors=dict(report.errors),
            step_p50=quantile(steps[0], steps[1], 0.5),
            step_p99=quantile(steps[0], steps[1], 0.99),
            rows_p50=quantile(rows[0], rows[1], 0.5),
            word_error_rate=rate,
            word_error_rate_alone=alone,
            cores={role: float(np.mean(values)) for role, values in usage.cores.items()},
            gpu_percent=float(np.mean(usage.gpu)) if usage.gpu else 0.0,
            memory_megabytes={role: [value / MEGABYTE for value in values] for role, values in usage.memory.items()},
        )

    def _word_error_rates(self, report: Report) -> tuple[float, float]:
        """Word error rates of some streams under load and of the same streams alone, in percent."""
        options, clips = self._options, load_clips()
        heard = {(stream, index): (clip, text) for stream, index, clip, text in report.texts}
        streams = sorted({stream for stream, _ in heard})[:REFERENCE_STREAMS]
        texts = reference_texts(
            self._model.checkpoint,
            streams,
            options.latency_ms,
            options.seconds + options.ramp,
            hardware=self._hardware,
            threads=options.threads,
        )
        both = sorted(key for key in texts if key in heard)
        truth = [clips[heard[key][0]].text for key in both]
        return error_rate(truth, [heard[key][1] for key in both]), error_rate(truth, [texts[key] for key in both])


def _line(load: Load) -> dict[str, Any]:
    """One point of a plot: the figures of one number of streams."""
    return {
        "streams": load.streams,
        "final_p50": load.final_after_finalize.p50,
        "final_p95": load.final_after_finalize.p95,
        "step_p99": load.step_p99,
        "problems": problems(load),
    }


async def _metrics(url: str) -> str:
    address = urlsplit(url)
    scheme = "https" if address.scheme in ("wss", "https") else "http"
    async with aiohttp.ClientSession() as session, session.get(f"{scheme}://{address.netloc}/metrics") as response:
        return await response.text()

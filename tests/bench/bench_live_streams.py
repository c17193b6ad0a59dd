"""How many live streams this machine holds, through a real server and real WebSockets, with the bundled model.

    python -m tests.bench.bench_live_streams --streams 8 --latency-ms 160

Passes when p95 of finalize to final is at most chunk + 150 ms, no final is missing, and lag does not grow; void when
the clients themselves were late. Prints the time from `auricle serve` to ``readyz`` as well.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from auricle_server.demo.server_process import serve
from tests.bench.paced import Report, run_clients, word_error_rate

READY_BUDGET = 5.0
FINAL_BUDGET = 0.150
CLIENT_LATENESS_BUDGET = 0.010
DRIFT_BUDGET = 0.100


@dataclass(frozen=True, slots=True)
class Outcome:
    """A run's figures; times in seconds, percentiles over all streams."""

    machine: str
    cores: int
    streams: int
    latency_ms: int
    seconds: float
    ready_seconds: float
    finals: int
    missing: int
    final_p50: float
    final_p95: float
    lag_p50: float
    lag_p95: float
    drift: float
    client_lateness_p99: float
    word_error_rate: float

    def problems(self) -> list[str]:
        """Why the run does not pass; empty when it does."""
        checks = {
            f"clients were late: p99 {self.client_lateness_p99:.3f} s; the run is void": (
                self.client_lateness_p99 <= CLIENT_LATENESS_BUDGET
            ),
            f"ready only after {self.ready_seconds:.1f} s": self.ready_seconds <= READY_BUDGET,
            f"finals late: p95 {self.final_p95:.3f} s": self.final_p95 <= self.latency_ms / 1000 + FINAL_BUDGET,
            f"{self.missing} finals missing": self.missing == 0,
            f"lag grows: {self.drift:.3f} s from the first to the last fifth": self.drift <= DRIFT_BUDGET,
        }
        return [problem for problem, fine in checks.items() if not fine]


async def measure(streams: int, latency_ms: int, seconds: float, model: str) -> Outcome:
    """Starts a server, runs the clients in a process of their own, and stops it."""
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        async with serve(model) as (url, ready_seconds):
            reports = await loop.run_in_executor(pool, run_clients, url, streams, latency_ms, seconds, 1)
    return summarise(reports, streams, latency_ms, seconds, ready_seconds)


def summarise(reports: list[Report], streams: int, latency_ms: int, seconds: float, ready_seconds: float) -> Outcome:
    """All streams in one line."""
    finals = [value for report in reports for value in report.finals]
    lag = [value for report in reports for value in report.lag]
    lateness = [value for report in reports for value in report.lateness]
    return Outcome(
        machine=platform.processor() or platform.machine(),
        cores=len(os.sched_getaffinity(0)),
        streams=streams,
        latency_ms=latency_ms,
        seconds=seconds,
        ready_seconds=ready_seconds,
        finals=len(finals),
        missing=sum(report.missing for report in reports),
        final_p50=float(np.percentile(finals, 50)),
        final_p95=float(np.percentile(finals, 95)),
        lag_p50=float(np.percentile(lag, 50)),
        lag_p95=float(np.percentile(lag, 95)),
        drift=float(np.median([_drift(report.lag) for report in reports])),
        client_lateness_p99=float(np.percentile(lateness, 99)),
        word_error_rate=word_error_rate(reports),
    )


def _drift(lag: list[float]) -> float:
    fifth = max(1, len(lag) // 5)
    return float(np.median(lag[-fifth:]) - np.median(lag[:fifth]))


def show(outcome: Outcome, console: Console) -> None:
    """A table for people."""
    table = Table("figure", "value", title=f"{outcome.streams} live streams at {outcome.latency_ms} ms")
    for name, value in asdict(outcome).items():
        table.add_row(name.replace("_", " "), f"{value:.3f}" if isinstance(value, float) else str(value))
    console.print(table)


def main() -> int:
    """Runs the bench; exit code 1 when it does not pass."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, default=8)
    parser.add_argument("--latency-ms", type=int, default=160)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--model", default="demo")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    arguments = parser.parse_args()
    outcome = asyncio.run(measure(arguments.streams, arguments.latency_ms, arguments.seconds, arguments.model))
    console = Console()
    show(outcome, console)
    if arguments.json:
        arguments.json.write_text(json.dumps(asdict(outcome), indent=2) + "\n")
    problems = outcome.problems()
    console.print("\n".join(problems) if problems else "holds real time")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

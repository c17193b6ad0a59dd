"""From the end of speech to the finalized transcript in a Pipecat pipeline, as Pipecat's stt-benchmark measures it.

    python -m tests.bench.bench_pipecat_finals

Audio in frames of 20 ms in real time, Silero's voice detection with a stop of 0.2 s, and Pipecat's own metric: the time
from the end of speech, as the voice detection saw it, to the finalized transcript. The frames are timed as well, and
the two must agree. Server and pipelines share this machine. Exit status 1 when the median misses the target at any
latency setting, or the client was too late for the figures to mean anything.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

from loguru import logger
from rich.console import Console
from rich.table import Table

from auricle_server.bench.report.results import record, write
from auricle_server.demo.server_process import serve
from tests.bench.pipecat_finals.pipeline import FRAME_SECONDS, STOP_SECONDS
from tests.bench.pipecat_finals.results import MOST_MS, LatencyRow
from tests.bench.pipecat_finals.run import measure
from tests.bench.pipecat_finals.utterances import Utterance, seconds, utterances

LATENCIES_MS = (80, 160, 560, 1120)
_QUICK_UTTERANCES = 8
_PACKAGES = ("pipecat-ai", "onnxruntime", "aiohttp", "jiwer")
_COLUMNS = ("chunk", "n", "p50", "p95", "p99", "max", "VAD", "answer", "no final", "WER", "late")
_CAPTION = (
    "VAD: from the true end of speech to its stop, p50; answer: from its stop to the finalized transcript, p50; "
    "late: audio behind its schedule where the service takes it, p99"
)


def table(rows: Sequence[LatencyRow], pipelines: int) -> Table:
    """One line a latency setting; times in milliseconds."""
    title = f"End of speech to finalized transcript, ms; {pipelines} pipelines at a time"
    made = Table(title=title, caption=_CAPTION, padding=(0, 1, 0, 0))
    for name in _COLUMNS:
        made.add_column(name, justify="right", no_wrap=True)
    for each in rows:
        made.add_row(*_cells(each))
    return made


def _cells(row: LatencyRow) -> list[str]:
    ttfs = (row.ttfs.p50, row.ttfs.p95, row.ttfs.p99, row.ttfs.max)
    return [
        f"{row.latency_ms}",
        f"{row.utterances}",
        *(f"{value:.0f}" for value in ttfs),
        f"{row.detection.p50:.0f}",
        f"{row.after_stop.p50:.0f}",
        f"{row.missing}",
        f"{row.word_error_rate:.1%}",
        f"{row.lateness_p99:.1f}",
    ]


def verdict(row: LatencyRow) -> str:
    """Whether the target is met."""
    wrong = "; ".join(row.problems)
    return f"{row.latency_ms} ms: " + (f"no: {wrong}" if wrong else f"yes, p50 {row.ttfs.p50:.0f} <= {MOST_MS:.0f} ms")


@asynccontextmanager
async def _server(options: argparse.Namespace) -> AsyncIterator[str]:
    if options.url:
        yield options.url
        return
    async with serve(options.model) as (url, _):
        yield url


async def _rows(options: argparse.Namespace, said: Sequence[Utterance], console: Console) -> list[LatencyRow]:
    rows = []
    async with _server(options) as url:
        for latency_ms in options.latency_ms:
            rows.append(await measure(url, latency_ms, said, options.pipelines))
            console.print(f"{latency_ms} ms: p50 {rows[-1].ttfs.p50:.0f} ms, {rows[-1].missing} without a final")
    return rows


def result(options: argparse.Namespace, said: Sequence[Utterance], rows: Sequence[LatencyRow]) -> dict[str, Any]:
    """The record of a run, with what its figures depend on."""
    method = {"frame_seconds": FRAME_SECONDS, "vad": "silero", "stop_seconds": STOP_SECONDS}
    speech = {"distinct": len({each.text for each in said}), "voices": sorted({each.voice for each in said})}
    figures = {
        "model": Path(options.model).stem,
        "method": method,
        "speech": speech | {"seconds": seconds(said)},
        "target_p50_ms": MOST_MS,
        "rows": [asdict(row) | {"problems": row.problems} for row in rows],
    }
    made = record("pipecat-finals", _plain(options), figures)
    made["versions"] |= {name: metadata.version(name) for name in _PACKAGES}
    return made


def _plain(options: argparse.Namespace) -> dict[str, Any]:
    """The options as JSON has them. A server's address may hold a name or a key of somebody's."""
    kept = {name: value for name, value in vars(options).items() if name not in ("url", "out", "json")}
    return kept | {"own_server": not options.url}


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--latency-ms", type=int, action="append", help="chunk; repeat for more (default: all four)")
    parser.add_argument("--utterances", type=int, default=40, help="at each latency")
    parser.add_argument("--pipelines", type=int, default=4, help="that speak at the same time")
    parser.add_argument("--quick", action="store_true", help=f"{_QUICK_UTTERANCES} utterances; no result kept")
    parser.add_argument("--model", default="demo", help="as `auricle serve` takes it; with --url only a name")
    parser.add_argument("--url", help="of a running server, instead of one of its own")
    parser.add_argument("--out", type=Path, help="folder of the result")
    parser.add_argument("--json", action="store_true", help="print the record instead of the table")
    options = parser.parse_args(arguments)
    options.latency_ms = options.latency_ms or list(LATENCIES_MS)
    options.utterances = min(options.utterances, _QUICK_UTTERANCES) if options.quick else options.utterances
    options.pipelines = min(options.pipelines, options.utterances)
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 1 when the target is missed or the figures are void."""
    options = parse(arguments)
    logger.remove()
    logger.add(sys.stderr, level="WARNING")
    console = Console(stderr=options.json)
    said = utterances(options.utterances)
    console.print(f"{len(said)} utterances at each latency, {seconds(said):.0f} s, {options.pipelines} at a time")
    rows = asyncio.run(_rows(options, said, console))
    made = result(options, said, rows)
    console.print(table(rows, options.pipelines))
    for each in rows:
        console.print(verdict(each))
    if not options.quick:
        console.print(f"written to {write(made, options.out, f'pipecat-finals-{Path(options.model).stem}')}")
    if options.json:
        Console().print_json(data=made)
    return int(any(row.problems for row in rows))


if __name__ == "__main__":
    raise SystemExit(main())

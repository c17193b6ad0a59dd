"""How long a LiveKit session waits for the final it has asked for: a real server, a real session, real speech.

    python -m tests.bench.bench_livekit_flush

A server in processes of its own with the bundled model; a session as it comes, with its own voice activity and turn
detection, hears the bundled clips at the speed of speech, one after the other, at each chunk latency. The time runs
from the session's flush to the FINAL_TRANSCRIPT that the plugin gives it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import soundfile
from rich.console import Console
from rich.table import Table

from auricle_server.bench.report.results import record, write
from auricle_server.bench.report.summaries import Spread
from auricle_server.demo.server_process import serve
from tests.support.adapters.livekit_session import WatchedSTT, listening
from tests.support.levels import Audio

LATENCIES_MS = (80, 160, 560, 1120)
BUDGET_MS = 60.0
"""Median from flush to FINAL, from the design's budget for two cores."""
CALM_SECONDS = 0.05
"""A machine on which no audio frame came later than this was calm enough to be believed."""
CLIPS = Path(str(files("auricle_server"))) / "demo" / "audio"


@dataclass
class Measured:
    """One latency's values, in milliseconds."""

    flush_to_final: list[float] = field(default_factory=list)
    end_of_turn: list[float] = field(default_factory=list)
    lateness: float = 0.0

    def figures(self) -> dict[str, Any]:
        """As they are written down."""
        return {
            "flush_to_final_ms": asdict(Spread.of(self.flush_to_final)),
            "end_of_turn_delay_ms": asdict(Spread.of(self.end_of_turn)),
            "audio_lateness_ms": self.lateness,
        }


def clips(count: int) -> list[Audio]:
    """The first of the bundled clips."""
    listed = json.loads((CLIPS / "manifest.json").read_text())[:count]
    return [_clip(CLIPS / clip["file"], clip["speech_end"]) for clip in listed]


def _clip(path: Path, speech_end: float) -> Audio:
    samples, rate = soundfile.read(path, dtype="int16")
    return Audio(samples, rate, (speech_end,))


async def hear(speech: Audio, url: str, latency_ms: int, measured: Measured) -> None:
    """One clip through a session of its own."""
    stt = WatchedSTT(url=url, latency_ms=latency_ms)
    async with listening(speech, stt=stt) as heard:
        await heard.audio.played.wait()
        await heard.until(lambda: bool(heard.turns) and heard.settled)
        measured.flush_to_final += [1e3 * seconds for seconds in stt.flush_seconds]
        delays = [metrics.get("end_of_turn_delay") for metrics in heard.metrics]
        measured.end_of_turn += [1e3 * delay for delay in delays if delay is not None]
        measured.lateness = max(measured.lateness, 1e3 * heard.audio.lateness)


async def measure(latencies_ms: Sequence[int], speeches: Sequence[Audio], console: Console) -> dict[int, Measured]:
    """All of them, one session at a time: what is measured is the delay of one speaker, not the machine's limit."""
    found: dict[int, Measured] = {}
    async with serve("demo") as (url, _):
        await hear(speeches[0], url, latencies_ms[0], Measured())  # the first session loads its own models
        for latency_ms in latencies_ms:
            found[latency_ms] = Measured()
            for number, speech in enumerate(speeches, 1):
                console.print(f"{latency_ms} ms: clip {number} of {len(speeches)}", style="dim")
                await hear(speech, url, latency_ms, found[latency_ms])
    return found


def table(found: dict[int, Measured]) -> Table:
    """For people."""
    shown = Table(
        "chunk (ms)", "flushes", "flush to FINAL p50 (ms)", "p95", "max", "end of turn p50 (ms)", "audio late"
    )
    for latency_ms, measured in found.items():
        flush, turn = Spread.of(measured.flush_to_final), Spread.of(measured.end_of_turn)
        values = (flush.p50, flush.p95, flush.max, turn.p50, measured.lateness)
        shown.add_row(str(latency_ms), str(flush.count), *(f"{value:.1f}" for value in values))
    return shown


def main() -> int:
    """Exit status 1 when a median is over the budget, or nothing was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=4, help="how many of the bundled clips")
    parser.add_argument("--latency-ms", type=int, nargs="+", default=LATENCIES_MS)
    parser.add_argument("--out", type=Path, help="folder of the JSON; by default the machine's in tests/bench/results")
    options = parser.parse_args()
    console = Console()
    found = asyncio.run(measure(options.latency_ms, clips(options.clips), console))
    console.print(table(found))
    late = max(measured.lateness for measured in found.values())
    if late > 1e3 * CALM_SECONDS:
        console.print(f"noisy: frames of audio came up to {late:.0f} ms late, which is this machine's doing")
    figures = {f"{latency_ms} ms": measured.figures() for latency_ms, measured in found.items()}
    result = record("livekit-flush", {"clips": options.clips, "model": "demo", "mode": "default"}, figures)
    console.print(f"written to {write(result, options.out, 'livekit-flush-demo')}")
    return int(any(not 0 < Spread.of(m.flush_to_final).p50 <= BUDGET_MS for m in found.values()))


if __name__ == "__main__":
    raise SystemExit(main())

"""Thousands of finalizes in the pauses of synthesised talks, at every latency: `python -m tests.bench.finals`."""

from __future__ import annotations

import argparse
import json
import os
import random
from dataclasses import asdict, dataclass
from pathlib import Path

from auricle_server.bench.report.results import record, write
from auricle_server.checkpoints import load_checkpoint
from auricle_server.engine import Engine
from auricle_server.stream.transcript import Segment
from demo_model.audio.voices import SAMPLE_RATE
from tests.bench.finals.measures import CutTally
from tests.bench.finals.segments import segments
from tests.bench.finals.talks import PausedTalk, talks

FIRST_SEED = 70_000
MOST_LOSS = 0.5
"""Percent of word error rate that cuts may cost."""


@dataclass(frozen=True)
class Cuts:
    """Finalizes of one talk.

    Attributes:
        at: Samples.
        borders: Seconds from which on the first emission of a word is one of the next segment.
    """

    at: list[int]
    borders: list[float]


def cuts_in_pauses(talk: PausedTalk, rng: random.Random) -> Cuts:
    """One in each pause, from the end of the last word on."""
    pairs = list(zip(talk.parts, talk.parts[1:], strict=False))
    at = [round(rng.uniform(before.end, after.start)) for before, after in pairs]
    return Cuts(at, [after.start / SAMPLE_RATE for _, after in pairs])


def cuts_anywhere(talk: PausedTalk, rng: random.Random) -> Cuts:
    """As many, wherever they fall: in the middle of words, too."""
    at = sorted(rng.randrange(len(talk.pcm)) for _ in talk.parts[1:])
    return Cuts(at, [cut / SAMPLE_RATE for cut in at])


def measure(
    engine: Engine, spoken: list[PausedTalk], latency_ms: int, *, anywhere: bool = False, seed: int = 1
) -> CutTally:
    """Every talk with cuts and without."""
    rng = random.Random(seed + latency_ms)
    cuts = [(cuts_anywhere if anywhere else cuts_in_pauses)(talk, rng) for talk in spoken]
    uncut: list[list[Segment]] = segments(engine, spoken, latency_ms, [()] * len(spoken))
    cut = segments(engine, spoken, latency_ms, [each.at for each in cuts])
    tally = CutTally()
    for talk, whole, parts, each in zip(spoken, uncut, cut, cuts, strict=True):
        tally.add(" ".join(part.text for part in talk.parts), whole[0], parts, each.borders)
    return tally


def row(tally: CutTally) -> dict[str, float]:
    """The figures of a tally."""
    figures = {name: value for name, value in asdict(tally).items() if name != "examples"}
    wer = {name: round(100 * figures[name] / tally.reference_words, 2) for name in ("errors", "uncut_errors")}
    return figures | {"wer_percent": wer["errors"], "uncut_wer_percent": wer["uncut_errors"]}


def main() -> int:
    """Prints the table and writes the report; 1 when a finalize cost a word."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--talks", type=int, default=100, help="with five finalizes each, at every latency")
    parser.add_argument("--out", type=Path, help="folder to write the figures to")
    parser.add_argument("--examples", action="store_true", help="print what differs")
    parser.add_argument("--anywhere", action="store_true", help="only finalizes anywhere, in the middle of words too")
    options = parser.parse_args()
    spoken = talks(options.talks, FIRST_SEED, os.cpu_count() or 1)
    engine = Engine(load_checkpoint("demo"), slots=24, device="cpu", threads=1)
    engine.warm_up()
    report, good = {}, True
    for latency_ms in engine.info.latencies_ms:
        tally = measure(engine, spoken, latency_ms, anywhere=options.anywhere)
        report[str(latency_ms)] = figures = row(tally)
        print(latency_ms, "ms", json.dumps(figures), flush=True)
        for uncut, cut in tally.examples if options.examples else ():
            print(f"    {uncut!r} -> {cut!r}")
        loss = figures["wer_percent"] - figures["uncut_wer_percent"]
        good = good and tally.lost == tally.doubled == tally.leaked == 0 and loss <= MOST_LOSS
    if options.out is not None:
        print(write(record("finals", {"talks": options.talks}, report), options.out, "finals-demo"))
    return 0 if good or options.anywhere else 1


if __name__ == "__main__":
    raise SystemExit(main())

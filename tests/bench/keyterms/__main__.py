"""Names that the demo model was never told, with key terms and without: `python -m tests.bench.keyterms`."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from auricle_server.bench.report.results import record, write
from auricle_server.checkpoints import load_checkpoint
from auricle_server.engine import Engine
from tests.bench.keyterms.measure import cost, figures, learning, measure
from tests.bench.keyterms.names import REPORTED, TUNED, distractors
from tests.bench.keyterms.report import table
from tests.bench.keyterms.sentences import ordinary, with_names

LATENCIES_MS = (80, 560)
SEEDS = {"reported": 3_000_000, "tuned": 2_000_000}
ORDINARY_SEED = 100_000
"""Behind the seed of the sentences with names."""
LIVE = 48


def main() -> int:
    """Prints the table and writes record and table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sentences", type=int, default=240, help="with names, and as many without")
    parser.add_argument("--distractors", type=int, default=300, help="terms that nobody says")
    parser.add_argument("--names", choices=SEEDS, default="reported", help="the bonus was chosen on the tuned ones")
    parser.add_argument("--model", default="demo")
    parser.add_argument("--out", type=Path, help="folder of the record")
    options = parser.parse_args()
    names, seed = (REPORTED if options.names == "reported" else TUNED), SEEDS[options.names]
    processes = os.cpu_count() or 1
    named = with_names(names, options.sentences, seed, processes)
    plain = ordinary(options.sentences, seed + ORDINARY_SEED, processes)
    engine = Engine(load_checkpoint(options.model), slots=64, device="cpu", threads=1)
    engine.warm_up()
    many = names.all + distractors(options.distractors)
    lists = {"none": (), "names": names.all, "names and distractors": many}
    results: dict[str, object] = {"terms": {name: len(terms) for name, terms in lists.items()}}
    for latency_ms in LATENCIES_MS:
        found = {name: figures(measure(engine, named, plain, latency_ms, terms)) for name, terms in lists.items()}
        results[f"{latency_ms} ms"] = found
        print(latency_ms, "ms", found, flush=True)
    results["cpu_seconds"] = {str(ms): figures(cost(engine, plain[:LIVE], ms, names.all, many)) for ms in LATENCIES_MS}
    results["learning"] = learning(engine.info.pieces)
    made = record("keyterms", vars(options) | {"out": None}, results)
    print(table(results))
    if options.names == "reported":
        path = write(made, options.out, f"keyterms-{Path(options.model).stem}")
        path.with_suffix(".md").write_text(table(results) + "\n")
        print(path)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

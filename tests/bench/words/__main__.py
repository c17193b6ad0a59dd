"""Times and confidence of a model's words, measured on synthesised speech: `python -m tests.bench.words`.

With ``--fit`` the model's calibration is measured first, on other talks, and put beside its checkpoint.
"""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from auricle_server.bench.report.results import record, write
from auricle_server.checkpoints import load_checkpoint
from auricle_server.checkpoints.calibrations import write_calibration
from auricle_server.checkpoints.load import locate
from auricle_server.engine import Engine
from auricle_server.text.calibration import WordCalibration
from tests.bench.words.evaluation import Sample, calibrated, figures
from tests.bench.words.recognition import AT_ONCE, ModelSetting, listen
from tests.bench.words.report import markdown, picture
from tests.bench.words.talks import talks

FIT_SEED, TEST_SEED = 81_000, 82_000


def samples(engine: Engine, count: int, seed: int) -> list[Sample]:
    """Talks as the engine hears them at every latency setting."""
    spoken, info = talks(count, seed, engine.info.languages, os.cpu_count() or 1), engine.info
    frame_samples = round(info.frame_seconds * 16_000)
    return [
        Sample(ModelSetting(info.pieces, frame_samples, latency), spoken, listen(engine, spoken, latency))
        for latency in info.latencies_ms
    ]


def main() -> None:
    """Prints the figures and writes the record, its tables and the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="demo", help="a bundled model, a path or a hub id")
    parser.add_argument("--talks", type=int, default=64, help="of four sentences each, for each of fit and test")
    parser.add_argument("--fit", action="store_true", help="measure the calibration and put it beside the checkpoint")
    parser.add_argument("--out", type=Path, help="folder to write the figures to")
    options = parser.parse_args()
    engine = Engine(load_checkpoint(options.model), slots=AT_ONCE, device="cpu", threads=1)
    calibration: WordCalibration = engine.info.words
    if options.fit:
        calibration = calibrated(samples(engine, options.talks, FIT_SEED))
        print(write_calibration(locate(options.model), calibration), calibration, flush=True)
    found: dict[str, dict[str, Any]] = {}
    for sample in samples(engine, options.talks, TEST_SEED):
        found[str(sample.listener.latency_ms)] = row = figures(sample, calibration)
        print(sample.listener.latency_ms, "ms", json.dumps({k: v for k, v in row.items() if k != "reliability"}))
    name = Path(options.model).stem
    settings = {"model": name, "talks": options.talks} | asdict(calibration)
    path = write(record("words", settings, found), options.out, f"words-{name}")
    path.with_suffix(".md").write_text(markdown(name, found))
    picture(name, found, path.with_suffix(".svg"))
    print(path)


if __name__ == "__main__":
    main()

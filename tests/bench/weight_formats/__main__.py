"""What fp16 and int8 weights cost in words: tokens changed, word error, and which layers int8 hurts.

    python -m tests.bench.weight_formats

Held-out sentences of the demo model's voices, in noise, rooms and telephone bands too, decoded with each format on the
CPU that runs this. int8 is also computed with weights of 7 bits, as processors without VNNI need it: on those it is the
only kind. For the sensitivity all but one kind of product, or all but one layer, stays in fp32.

The demo models are stored in fp16, so rounding them to it would change nothing. Here each weight gets back a random
remainder that rounding takes away, as a model that is stored in fp32 has it.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from auricle_server.bench.report.results import record, write
from auricle_server.checkpoints import load_checkpoint
from auricle_server.checkpoints.load import Checkpoint
from auricle_server.engine.model import fbgemm_products
from auricle_server.engine.weight_formats import WeightFormat
from tests.bench.finals.talks import PausedTalk, talks
from tests.bench.weight_formats.engines import (
    KINDS,
    SEVEN_BITS,
    Wanted,
    engine,
    only_in_int8,
    weight_levels,
    with_remainders,
)
from tests.bench.weight_formats.measures import EncoderError, FormatFigures, decode

FIRST_SEED = 1_000_000
SENSITIVITY_MS = 560


def formats(checkpoint: Checkpoint, spoken: Sequence[PausedTalk]) -> dict[str, Any]:
    """Each format at each latency, against fp32."""
    own = fbgemm_products.weight_levels()
    kinds: dict[str, tuple[WeightFormat, int | None]] = {
        "float32": (WeightFormat.FLOAT32, None),
        "fp16-weights": (WeightFormat.FP16, None),
        "int8": (WeightFormat.INT8, None),
    }
    if own != SEVEN_BITS:
        kinds["int8, 7-bit weights"] = WeightFormat.INT8, SEVEN_BITS
    engines, errors, error = {}, {}, EncoderError(checkpoint)
    for name, (weights, levels) in kinds.items():
        with weight_levels(levels):
            engines[name] = engine(checkpoint, weights)
            errors[name] = error.of(weights)
    latencies: dict[str, Any] = {}
    for latency_ms in engines["float32"].info.latencies_ms:
        exact = decode(engines["float32"], spoken, latency_ms)
        latencies[f"{latency_ms} ms"] = rows = {}
        for name, each in engines.items():
            found = exact if name == "float32" else decode(each, spoken, latency_ms)
            rows[name] = FormatFigures.of(checkpoint.pieces, spoken, found, exact).record()
            print(f"{latency_ms} ms, {name}:", rows[name], flush=True)
    return {"weight_levels": own, "encoder_error": errors, "latencies": latencies}


def sensitivity(checkpoint: Checkpoint, spoken: Sequence[PausedTalk]) -> dict[str, Any]:
    """int8 in one kind of product of all layers, and in all products of one layer; all else in fp32."""
    exact = decode(engine(checkpoint, WeightFormat.FLOAT32), spoken, SENSITIVITY_MS)
    chosen: dict[str, Wanted] = {kind: lambda _, each, kind=kind: each == kind for kind in KINDS}  # type: ignore[misc]
    for index in range(checkpoint.config.encoder.layers):
        chosen[f"layer {index + 1}"] = lambda layer, _, index=index: layer == index  # type: ignore[misc]
    rows, error = {}, EncoderError(checkpoint)
    for name, wanted in chosen.items():
        with only_in_int8(wanted):
            partly, distance = engine(checkpoint, WeightFormat.INT8), error.of(WeightFormat.INT8)
        found = decode(partly, spoken, SENSITIVITY_MS)
        rows[name] = {**FormatFigures.of(checkpoint.pieces, spoken, found, exact).record(), "encoder_error": distance}
        print(f"int8 in {name}:", rows[name], flush=True)
    return {"latency_ms": SENSITIVITY_MS, "rows": rows}


def main() -> int:
    """Prints the figures and writes the record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="demo")
    parser.add_argument("--talks", type=int, default=60, help="with six sentences each")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--out", type=Path, help="folder of the record")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    spoken = talks(options.talks, FIRST_SEED, options.threads)
    checkpoint = with_remainders(load_checkpoint(options.model))
    figures = formats(checkpoint, spoken)
    figures["sensitivity"] = sensitivity(checkpoint, spoken)
    name = f"weight-formats-{checkpoint.name.replace('/', '-')}"
    print(write(record("weight-formats", {**vars(options), "out": None}, figures), options.out, name))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

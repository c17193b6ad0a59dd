"""What FP8 costs in words, on a CPU with the rounding of a GPU: `python -m tests.bench.fp8`.

Tokens of the demo model on its bundled clips, in each precision, against those in fp32. A GPU sums in another order, so
its tokens differ from these here and there; the rounding of factors, which is what costs words, is the same.
"""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass

import torch

from auricle_server.bench.clips import load_clips, talk
from auricle_server.bench.report.results import record, write
from auricle_server.checkpoints import load_checkpoint
from auricle_server.checkpoints.load import Checkpoint
from auricle_server.engine import Engine
from auricle_server.engine.build import Hardware
from auricle_server.engine.weight_formats import WeightFormat

LATENCIES = (80, 560)
TALKS, SECONDS = 8, 60.0
EXACT = Hardware("cpu", torch.float32, weights=WeightFormat.FLOAT32)
PRECISIONS = {
    "bf16": Hardware("cpu", torch.bfloat16),
    "bf16, keys and values in FP8": Hardware("cpu", torch.bfloat16, fp8_rings=True),
    "bf16, products in FP8": Hardware("cpu", torch.bfloat16, weights=WeightFormat.FP8),
    "bf16, both in FP8": Hardware("cpu", torch.bfloat16, weights=WeightFormat.FP8, fp8_rings=True),
}


@dataclass(frozen=True, slots=True)
class ChangedTokens:
    """Tokens in one precision against those in fp32.

    Attributes:
        precision: In words.
        latency_ms: Chunk latency.
        tokens: Tokens in fp32.
        changed: Least number of tokens to insert, delete or replace.
    """

    precision: str
    latency_ms: int
    tokens: int
    changed: int


def tokens(checkpoint: Checkpoint, hardware: Hardware, latency_ms: int) -> list[list[int]]:
    """Tokens of each talk."""
    engine, clips = Engine(checkpoint, slots=TALKS, hardware=hardware), load_clips()
    found: dict[int, list[int]] = {}
    for seed in range(TALKS):
        lease = engine.open(latency_ms, engine.info.default_language)
        found[lease.id] = []
        engine.push(lease, talk(clips, seed, SECONDS))
        engine.flush(lease, 0, last=True)
    while engine.ready:
        for row in engine.step().rows():
            found[row.lease.id] += row.tokens
    return list(found.values())


def distance(left: list[int], right: list[int]) -> int:
    """Edit distance."""
    costs = list(range(len(right) + 1))
    for row, one in enumerate(left, 1):
        diagonal, costs[0] = costs[0], row
        for column, other in enumerate(right, 1):
            cheapest = min(costs[column] + 1, costs[column - 1] + 1, diagonal + (one != other))
            diagonal, costs[column] = costs[column], cheapest
    return costs[-1]


def measure(name: str) -> list[ChangedTokens]:
    """All precisions at all latencies."""
    checkpoint, rows = load_checkpoint(name), list[ChangedTokens]()
    for latency_ms in LATENCIES:
        exact = tokens(checkpoint, EXACT, latency_ms)
        for precision, hardware in PRECISIONS.items():
            found = tokens(checkpoint, hardware, latency_ms)
            changed = sum(map(distance, exact, found))
            rows.append(ChangedTokens(precision, latency_ms, sum(map(len, exact)), changed))
            sys.stdout.write(f"{latency_ms} ms, {precision}: {changed} of {rows[-1].tokens} tokens changed\n")
    return rows


if __name__ == "__main__":
    figures = {"model": "demo", "rows": [asdict(row) for row in measure("demo")]}
    write(record("fp8", {"talks": TALKS, "seconds": SECONDS}, figures), None, "fp8-demo")

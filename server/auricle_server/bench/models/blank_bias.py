"""Sets how many tokens a model with random weights emits, by the bias of the blank token."""

from __future__ import annotations

from dataclasses import replace

import torch

from auricle_server.bench.clips import load_clips, talk
from auricle_server.checkpoints.load import Checkpoint
from auricle_server.engine.build import Hardware
from auricle_server.engine.engine import Engine

TOKENS_PER_SECOND = 3.0
"""About the rate of speech with a vocabulary of a thousand pieces."""
STREAMS = 8
SECONDS = 10.0
ROUNDS = 8
LOWEST, HIGHEST = 0.0, 16.0
BIAS = "joint.joint_net.2.bias"


def calibrate(checkpoint: Checkpoint, *, device: str = "auto", threads: int | None = None) -> tuple[Checkpoint, float]:
    """Finds the blank bias at which speech yields about `TOKENS_PER_SECOND`; returns the changed model and its rate.

    Bisection: each round runs the engine on the bundled clips with the next bias.
    """
    low, high = LOWEST, HIGHEST
    found: list[tuple[Checkpoint, float]] = []
    for _ in range(ROUNDS):
        candidate = _with_blank_bias(checkpoint, (low + high) / 2)
        rate = token_rate(candidate, device=device, threads=threads)
        found.append((candidate, rate))
        low, high = ((low + high) / 2, high) if rate > TOKENS_PER_SECOND else (low, (low + high) / 2)
    return min(found, key=lambda pair: abs(pair[1] - TOKENS_PER_SECOND))


def token_rate(checkpoint: Checkpoint, *, device: str = "auto", threads: int | None = None) -> float:
    """Tokens per second of speech, over `STREAMS` speakers of `SECONDS` each, in the largest chunks."""
    # Without fixed shapes: every round of a calibration builds an engine, which would capture CUDA graphs again.
    engine = Engine(checkpoint, slots=STREAMS, hardware=Hardware(device, static=False), threads=threads)
    clips = load_clips()
    for seed in range(STREAMS):
        lease = engine.open(engine.info.latencies_ms[-1], engine.info.default_language)
        engine.push(lease, talk(clips, seed, SECONDS))
        engine.flush(lease, 0, last=True)
    tokens = 0
    while engine.ready:
        tokens += int(engine.step().counts.sum())
    return tokens / (STREAMS * SECONDS)


def _with_blank_bias(checkpoint: Checkpoint, value: float) -> Checkpoint:
    bias: torch.Tensor = checkpoint.weights[BIAS].clone()
    bias[-1] = value
    return replace(checkpoint, weights={**checkpoint.weights, BIAS: bias})

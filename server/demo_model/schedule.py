"""The schedule of a training, by the used fraction of its time budget."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

PEAK_RATE = 1.5e-3
WARM_UP, HOLD = 0.015, 0.4
FLOOR = 0.02


@dataclass(frozen=True)
class TrainingStage:
    """Weights of the losses and the kind of input, until the fraction `until` of the budget."""

    name: str
    until: float
    phone: float
    ctc: float
    rnnt: float
    clean_only: bool = False
    spec_augment: bool = False


STAGES = (
    TrainingStage("phones", 0.075, phone=1.0, ctc=0.0, rnnt=0.0, clean_only=True),
    TrainingStage("ctc", 0.12, phone=0.3, ctc=1.0, rnnt=0.0, clean_only=True),
    TrainingStage("rnnt", 0.22, phone=0.2, ctc=0.3, rnnt=1.0, clean_only=True),
    TrainingStage("acoustics", 0.9, phone=0.1, ctc=0.3, rnnt=1.0),
    TrainingStage("final", 1.0, phone=0.0, ctc=0.1, rnnt=1.0),
)


CONTINUED = (
    TrainingStage("ctc", 0.05, phone=0.0, ctc=1.0, rnnt=0.0, clean_only=True),
    TrainingStage("rnnt", 0.15, phone=0.0, ctc=0.3, rnnt=1.0, clean_only=True),
    TrainingStage("acoustics", 0.9, phone=0.0, ctc=0.3, rnnt=1.0),
    TrainingStage("final", 1.0, phone=0.0, ctc=0.1, rnnt=1.0),
)
"""Stages for an encoder that starts from another model."""


def stage_at(fraction: float, stages: tuple[TrainingStage, ...] = STAGES) -> TrainingStage:
    """The stage at a fraction of the budget."""
    return next((stage for stage in stages if fraction < stage.until), stages[-1])


def rate_at(fraction: float, peak: float = PEAK_RATE) -> float:
    """Learning rate: a short warm-up, a plateau, and a cosine down to 2 % of the peak."""
    if fraction < WARM_UP:
        return peak * max(0.05, fraction / WARM_UP)
    if fraction < HOLD:
        return peak
    progress = min(1.0, (fraction - HOLD) / (1 - HOLD))
    return peak * (FLOOR + (1 - FLOOR) * 0.5 * (1 + math.cos(math.pi * progress)))


def spec_augment(mel: Tensor, lengths: Tensor, generator: torch.Generator) -> Tensor:
    """Mild SpecAugment: one band of at most 12 mels and up to two gaps of at most 80 ms, filled with the mean."""
    out = mel.clone()
    fill = float(mel.mean())
    for row, length in enumerate(lengths.tolist()):
        width, at = torch.randint(0, 13, (1,), generator=generator), torch.rand(1, generator=generator)
        start = int(at * (mel.shape[2] - int(width)))
        out[row, :length, start : start + int(width)] = fill
        for _ in range(min(2, length // 100)):
            gap = int(torch.randint(1, 9, (1,), generator=generator))
            first = int(torch.rand(1, generator=generator) * max(1, length - gap))
            out[row, first : first + gap] = fill
    return out

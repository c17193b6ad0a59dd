"""The schedule of a training, by its steps and the used share of its time budget."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

PEAK_RATE = 1.2e-3
WARM_UP_STEPS = 200
FLOOR = 0.02


@dataclass(frozen=True)
class TrainingStage:
    """Weights of the losses and the kind of input.

    A stage lasts until step `steps`, or, if that comes first, until the share `until` of the time budget.
    """

    name: str
    steps: float
    until: float
    phone: float
    ctc: float
    rnnt: float
    text: float = 0.0
    clean_only: bool = False
    spec_augment: bool = False


STAGES = (
    TrainingStage("phones", 350, 0.075, phone=1.0, ctc=0.0, rnnt=0.0, clean_only=True),
    TrainingStage("ctc", 900, 0.12, phone=0.3, ctc=1.0, rnnt=0.0, clean_only=True),
    TrainingStage("rnnt", 2200, 0.22, phone=0.2, ctc=0.3, rnnt=1.0, text=0.15, clean_only=True),
    TrainingStage("acoustics", math.inf, 0.9, phone=0.1, ctc=0.3, rnnt=1.0, text=0.15, spec_augment=True),
    TrainingStage("final", math.inf, 1.0, phone=0.0, ctc=0.1, rnnt=1.0, text=0.15),
)


CONTINUED = (
    TrainingStage("ctc", 200, 0.05, phone=0.0, ctc=1.0, rnnt=0.0, clean_only=True),
    TrainingStage("rnnt", 750, 0.15, phone=0.0, ctc=0.3, rnnt=1.0, text=0.15, clean_only=True),
    TrainingStage("acoustics", math.inf, 0.9, phone=0.0, ctc=0.3, rnnt=1.0, text=0.15, spec_augment=True),
    TrainingStage("final", math.inf, 1.0, phone=0.0, ctc=0.1, rnnt=1.0, text=0.15),
)
"""Stages for an encoder that starts from another model."""


@dataclass(frozen=True)
class TrainingBudget:
    """Minutes of a training; in the last `decay` of them the learning rate falls.

    A training can go on after its end with a larger budget: the rate then rises to its peak again. To finish one whose
    end is not known, give it as many more minutes as the fall shall last.
    """

    minutes: float
    decay: float

    def fraction(self, used: float) -> float:
        """The share of the budget that `used` seconds are."""
        return used / (self.minutes * 60)

    def falls(self, used: float) -> bool:
        """Whether the learning rate falls after `used` seconds."""
        return self.minutes - used / 60 < self.decay

    def rate(self, used: float, steps: int, peak: float = PEAK_RATE) -> float:
        """Learning rate: a warm-up by steps, a plateau, and a straight line down to 2 % of the peak.

        In a short training the warm-up ends with the first fiftieth of the budget.
        """
        warm = max((steps + 1) / WARM_UP_STEPS, self.fraction(used) * 50)
        if warm < 1:
            return peak * max(0.02, warm)
        left = max(0.0, self.minutes - used / 60)
        return peak * (FLOOR + (1 - FLOOR) * min(1.0, left / self.decay))


def stage_at(fraction: float, steps: float, stages: tuple[TrainingStage, ...] = STAGES) -> TrainingStage:
    """The stage at a share of the budget and a step."""
    return next((stage for stage in stages if fraction < stage.until and steps < stage.steps), stages[-1])


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

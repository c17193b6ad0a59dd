"""Trains one model; see `__main__`."""

from __future__ import annotations

import math
import random
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from demo_model.network.model import DemoModel
from tests.support.ills import scenes
from tests.support.ills.network import SHAPE, Targets, Vocabulary, targets, transducer_loss
from tests.support.ills.scenes import Label, Spoken

POOL, FRESH, ROWS = 400, 4, 8
"""Scenes kept, how many of them are new at every step, and scenes of a batch."""
SAVE_STEPS, REPORT_STEPS = 200, 50
AVERAGING = 0.99


@dataclass(frozen=True)
class _Example:
    mel: Tensor
    labels: list[Label]


class Trainer:
    """A model, its averaged copy and its pool of scenes.

    Args:
        ill: Whose scenes.
        steps: Optimiser steps in all.
        peak: Highest learning rate.
        spoken: Renderings of the words.
        words: Token ids.
        folder: Where the state is saved, and read from if it is there.
    """

    def __init__(self, ill: str, steps: int, peak: float, spoken: Spoken, words: Vocabulary, folder: Path) -> None:
        self._ill, self._steps, self._peak = ill, steps, peak
        self._spoken, self._words, self._state = spoken, words, folder / f"{ill}.pt"
        self._rng = random.Random(ill)
        torch.manual_seed(0)
        self.model = DemoModel(SHAPE)
        self._pool = [self._draw() for _ in range(POOL)]
        self._average: dict[str, Tensor] = {}
        self._done = 0

    def start(self, healthy: Path | None) -> None:
        """From the saved state, else from the healthy model's, else from random weights."""
        if self._state.exists():
            stored = torch.load(self._state, weights_only=True)
            self._done = stored["done"]
        elif healthy is not None:
            stored = torch.load(healthy, weights_only=True)
            stored["model"] = stored["average"]
        else:
            batch = self._batch()[0]
            self.model.initialise(*batch)
            stored = {"model": self.model.state_dict(), "average": self.model.state_dict()}
        self.model.load_state_dict(stored["model"])
        # Ills lie in later layers: the subsampling of a healthy model stays, which saves a third of the time.
        self.model.encoder.pre_encode.requires_grad_(healthy is None)
        self._average = {name: value.detach().clone() for name, value in stored["average"].items()}
        self._optimiser = torch.optim.AdamW(self.model.parameters(), betas=(0.9, 0.98), weight_decay=0.01)
        if "optimiser" in stored and self._done:
            self._optimiser.load_state_dict(stored["optimiser"])

    def run(self) -> DemoModel:
        """Trains to the end; the averaged model."""
        began, mean = time.monotonic(), 0.0
        while self._done < self._steps:
            loss = self._step()
            mean = loss if not mean else 0.95 * mean + 0.05 * loss
            self._done += 1
            if self._done % REPORT_STEPS == 0:
                print(f"{self._ill} {self._done} loss {mean:.3f} {time.monotonic() - began:.0f} s", flush=True)
            if self._done % SAVE_STEPS == 0 or self._done == self._steps:
                self._save()
        self.model.load_state_dict(self._average)
        return self.model.eval()

    def _step(self) -> float:
        for group in self._optimiser.param_groups:
            group["lr"] = self._rate()
        (mel, lengths), wanted = self._batch()
        context = self._rng.choice(SHAPE.contexts)
        encoded, frames = self.model.encoder(mel, lengths, context)
        loss = transducer_loss(self.model, encoded, frames, wanted)
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 5.0)
        self._optimiser.step()
        for name, value in self.model.state_dict().items():
            self._average[name].lerp_(value.detach(), 1 - min(AVERAGING, (1 + self._done) / (10 + self._done)))
        return float(loss.detach())

    def _rate(self) -> float:
        """A short warm-up, and a cosine."""
        share = self._done / self._steps
        return self._peak * min(1.0, (self._done + 1) / 100) * (0.02 + 0.49 * (1 + math.cos(math.pi * share)))

    def _draw(self) -> _Example:
        audio, labels = scenes.draw(self._ill, self._spoken, self._rng)
        with torch.no_grad():
            return _Example(self.model.preprocessor(torch.from_numpy(audio)).half(), labels)

    def _batch(self) -> tuple[tuple[Tensor, Tensor], Targets]:
        """Scenes of about equal length, their mel [B, T, mels] and its lengths [B], and what is wanted."""
        for _ in range(FRESH):
            self._pool[self._rng.randrange(POOL)] = self._draw()
        length = len(self._rng.choice(self._pool).mel)
        near = sorted(self._pool, key=lambda example: abs(len(example.mel) - length) + self._rng.uniform(0, 60))[:ROWS]
        lengths = torch.tensor([len(example.mel) for example in near])
        mel = torch.zeros(ROWS, int(lengths.max()), SHAPE.mels)
        for row, example in enumerate(near):
            mel[row, : len(example.mel)] = example.mel
        return (mel, lengths), targets([example.labels for example in near], self._words.ids)

    def _save(self) -> None:
        state = {"model": self.model.state_dict(), "average": self._average,
                 "optimiser": self._optimiser.state_dict(), "done": self._done}  # fmt: skip
        part = self._state.with_suffix(".part")
        torch.save(state, part)
        part.replace(self._state)

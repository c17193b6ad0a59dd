"""What a search has found: tokens, the frames of their emission, and how probable they were."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from auricle_server.engine.ops.inputs import ALPHA

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Emissions:
    """Tokens of a batch, in the order of emission within each row; row b has `count[b]` of them.

    Attributes:
        tokens: [B, n].
        frames: Encoder frame within the chunk, [B, n].
        probabilities: Softmax probability, [B, n].
        powers: Sum of all tokens' probabilities to the power of `ALPHA`, [B, n].
        count: [B].
    """

    tokens: Tensor
    frames: Tensor
    probabilities: Tensor
    powers: Tensor
    count: Tensor


class EmissionRounds:
    """Collects emissions, at most one label per row and round; the scores of many are computed at once.

    Args:
        batch: Rows of the batch.
        most_logits: Rows of logits that may wait for their scores.
    """

    def __init__(self, batch: int, most_logits: int) -> None:
        self._batch, self._most = batch, most_logits
        self._rows: list[Integers] = []
        self._labels: list[Integers] = []
        self._frames: list[Integers] = []
        self._waiting: list[Tensor] = []
        self._scored = 0
        self._scores: list[npt.NDArray[np.float32]] = []

    def add(self, rows: Integers, labels: Integers, frames: Integers, logits: Tensor) -> None:
        """A round's labels, all [n], and the logits from which each was chosen, [n, V + 1]."""
        self._rows.append(rows)
        self._labels.append(labels)
        self._frames.append(frames)
        self._waiting.append(logits)
        if sum(map(len, self._waiting)) > self._most:
            self._score()

    def emissions(self, device: torch.device) -> Emissions:
        """All rounds by row, on a device."""
        self._score()
        rows = _joined(self._rows)
        count = np.bincount(rows, minlength=self._batch)
        place = rows, _ordinals(rows, count)
        tokens, frames = np.zeros((2, self._batch, count.max(initial=0)), np.int64)
        probabilities, powers = np.zeros((2, *tokens.shape), np.float32)
        tokens[place], frames[place] = _joined(self._labels), _joined(self._frames)
        if self._scores:
            probabilities[place], powers[place] = np.concatenate(self._scores, 1)
        columns = tokens, frames, probabilities, powers, count
        return Emissions(*(torch.from_numpy(column).to(device) for column in columns))

    def _score(self) -> None:
        """Computes the scores of the waiting logits, [2, n]: the label's probability and the sum of all powers."""
        if not self._waiting:
            return
        logits = self._waiting[0] if len(self._waiting) == 1 else torch.cat(self._waiting)
        labels = _joined(self._labels)[self._scored :]
        label = torch.from_numpy(labels).to(logits.device)[:, None]
        total = logits.logsumexp(1)
        # log(sum(p ** ALPHA)), from logits: no probability is computed that could underflow.
        power = (ALPHA * logits).logsumexp(1) - ALPHA * total
        scores = torch.stack((logits.gather(1, label)[:, 0] - total, power)).exp_()
        self._scores.append(scores.numpy(force=True))
        self._scored += len(labels)
        self._waiting.clear()


def _joined(rounds: list[Integers]) -> Integers:
    return np.concatenate(rounds) if rounds else np.zeros(0, np.int64)


def _ordinals(rows: Integers, count: Integers) -> Integers:
    """How many times each entry of `rows` has occurred before, [n]; `count` is how often each row occurs."""
    ordinals = np.empty_like(rows)
    starts = np.cumsum(count) - count
    ordinals[np.argsort(rows, kind="stable")] = np.arange(len(rows)) - np.repeat(starts, count)
    return ordinals

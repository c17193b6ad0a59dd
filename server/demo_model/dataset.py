"""Examples with their features, and padded batches of them. `demo_model.corpus` makes them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from demo_model.audio import phones

LENGTH_STEP = 64


@dataclass(frozen=True)
class TrainingExample:
    """One utterance: log-mel [T, mels] fp16, phone labels of every 20 ms, text, voice, text group, clean or not.

    `language` is a BCP-47 code.
    """

    mel: NDArray[np.float16]
    labels: NDArray[np.int8]
    text: str
    voice: str
    group: str
    clean: bool
    language: str = "en-US"


@dataclass(frozen=True)
class TrainingBatch:
    """Padded examples: mel [B, T, mels], its lengths [B], labels [B, frames, 4], and the texts."""

    mel: Tensor
    mel_lengths: Tensor
    labels: Tensor
    texts: list[str]


def collate(examples: list[TrainingExample]) -> TrainingBatch:
    """Pad examples to one batch; labels are of encoder frames."""
    longest = padded_length(max(len(example.mel) for example in examples))
    frames = encoder_frames(longest)
    mel = np.zeros((len(examples), longest, examples[0].mel.shape[1]), np.float32)
    labels = np.full((len(examples), frames, phones.LABELS_PER_FRAME), phones.IGNORED, np.int64)
    for row, example in enumerate(examples):
        mel[row, : len(example.mel)] = example.mel
        own = encoder_frames(len(example.mel))
        labels[row, :own] = phones.frame_labels(example.labels, own)
    lengths = torch.tensor([len(example.mel) for example in examples])
    return TrainingBatch(
        torch.from_numpy(mel), lengths, torch.from_numpy(labels), [example.text for example in examples]
    )


def encoder_frames(mel_frames: int) -> int:
    """Encoder frames of that many mel frames: three causal stride-2 convolutions."""
    for _ in range(3):
        mel_frames = mel_frames // 2 + 1
    return mel_frames


def padded_length(mel_frames: int) -> int:
    """Length that an utterance is padded to: few different shapes, because every new shape costs set-up time."""
    return -(-mel_frames // LENGTH_STEP) * LENGTH_STEP


def batches(examples: list[TrainingExample], seconds: float, rng: random.Random) -> Iterator[list[TrainingExample]]:
    """One shuffled pass over the examples in batches of about one length and at most `seconds` of padded audio.

    What does not fill a batch of its own padded length joins those of the next one: every step costs the same, full or
    not.
    """
    buckets: dict[int, list[TrainingExample]] = {}
    for example in rng.sample(examples, len(examples)):
        buckets.setdefault(padded_length(len(example.mel)), []).append(example)
    groups: list[list[TrainingExample]] = []
    waiting: list[TrainingExample] = []
    for length in sorted(buckets):
        waiting += buckets[length]
        rows = max(1, int(seconds * 100 / length))
        full = len(waiting) // rows * rows
        groups += [waiting[at : at + rows] for at in range(0, full, rows)]
        waiting = waiting[full:]
    groups += [waiting] if waiting else []
    rng.shuffle(groups)
    yield from groups

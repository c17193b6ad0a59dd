"""Language prompts of training batches, and speech that changes its language midway."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from demo_model.dataset import TrainingBatch, TrainingExample, collate
from demo_model.prompts import AUTO_PROMPT, PROMPT_OF, tagged

AUTO_SHARE = 0.5
JOINED_SHARE = 0.2
FRAME_MELS = 8


@dataclass(frozen=True)
class MixedSpeech:
    """An example with tags in its text, and the language of each stretch of it: (code, first mel frame)."""

    example: TrainingExample
    stretches: tuple[tuple[str, int], ...]


def spoken(example: TrainingExample) -> MixedSpeech:
    """An example of one language."""
    text = tagged(example.text, example.language)
    return MixedSpeech(replace(example, text=text), ((example.language, 0),))


def joined(first: MixedSpeech, second: MixedSpeech) -> MixedSpeech:
    """Two examples in one stream, one after the other."""
    mel = np.concatenate([first.example.mel, second.example.mel])
    labels = np.concatenate([first.example.labels, second.example.labels])
    text = f"{first.example.text} {second.example.text}".strip()
    moved = tuple((code, at + len(first.example.mel)) for code, at in second.stretches)
    return MixedSpeech(replace(first.example, mel=mel, labels=labels, text=text), (*first.stretches, *moved))


def draw(examples: list[TrainingExample], rng: random.Random) -> tuple[TrainingBatch, Tensor]:
    """A batch and its prompts [B, T]: half of the rows have the prompt ``auto``, the others that of their language.

    In one batch of five the rows are joined in pairs, so that the language changes in mid-stream, with ``auto`` or with
    a prompt that changes at the same frame.
    """
    rows = [spoken(example) for example in examples]
    if len(rows) > 1 and rng.random() < JOINED_SHARE:
        rng.shuffle(rows)
        rows = [joined(*pair) for pair in zip(rows[::2], rows[1::2], strict=False)]
    batch = collate([row.example for row in rows])
    prompts = torch.full(batch.labels.shape[:2], AUTO_PROMPT)
    for index, row in enumerate(rows):
        if rng.random() >= AUTO_SHARE:
            for code, at in row.stretches:
                prompts[index, at // FRAME_MELS :] = PROMPT_OF[code]
    return batch, prompts

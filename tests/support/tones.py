"""Two-tone "words" that the checkpoint in ``tests/data/tones_en.nemo`` was trained to hear, made from a seed."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import numpy.typing as npt

CHECKPOINT = Path(__file__).parents[1] / "data" / "tones_en.nemo"
WORDS = ("the", "of", "and", "to", "in", "is", "that", "for", "it", "was", "on", "are", "as", "with", "his", "they")
SAMPLE_RATE = 16_000
_LOW, _HIGH = (300, 420, 560, 740), (1000, 1400, 1900, 2600)

Pcm = npt.NDArray[np.int16]


def word(index: int, seconds: float) -> npt.NDArray[np.float64]:
    """The two tones of word `index`, faded in and out over 20 ms."""
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    tones = np.sin(2 * np.pi * _LOW[index // 4] * time) + np.sin(2 * np.pi * _HIGH[index % 4] * time)
    return 0.15 * tones * np.minimum(1, np.minimum(time, time[::-1]) / 0.02)


def silence(seconds: float) -> npt.NDArray[np.float64]:
    """Digital silence."""
    return np.zeros(round(seconds * SAMPLE_RATE))


def utterance(seed: int, words: int, trailing: float = 0.3) -> tuple[Pcm, str]:
    """`words` random words with pauses and a noise floor: 16 kHz PCM and its text."""
    rng = random.Random(seed)
    parts, text = [silence(rng.uniform(0.05, 0.3))], []
    for _ in range(words):
        index = rng.randrange(len(WORDS))
        parts += [word(index, rng.uniform(0.16, 0.32)), silence(rng.uniform(0.08, 0.45))]
        text.append(WORDS[index])
    audio = np.concatenate([*parts, silence(trailing)])
    audio += rng.uniform(0.0005, 0.01) * np.random.default_rng(seed).standard_normal(len(audio))
    return np.round(audio * 32767).astype(np.int16), " ".join(text)

"""What the numbers of a model's configuration may be: wide of every model of the family, and no more than can be built.

A number that is wrong by a digit would otherwise be noticed when memory runs out, or in the words.
"""

from __future__ import annotations

from typing import NamedTuple


class Bounds(NamedTuple):
    """The least and the highest value, both allowed."""

    least: float
    most: float

    def __str__(self) -> str:
        return f"from {self.least:g} to {self.most:g}"


LAYERS = Bounds(1, 256)
WIDTH = Bounds(2, 16_384)
HEADS = Bounds(1, 256)
KERNEL = Bounds(1, 255)
EXPANSION = Bounds(1, 64)
SUBSAMPLING_CHANNELS = Bounds(1, 16_384)
LSTM_LAYERS = Bounds(1, 32)
VOCABULARY = Bounds(1, 262_144)
SYMBOLS = Bounds(1, 1_000)
PROMPTS = Bounds(1, 4_096)
FFT = Bounds(16, 16_384)
WINDOW = Bounds(1, 16_384)
"""Samples of a frame."""
HOP = Bounds(16, 1_600)
"""Samples between frames: 1 to 100 ms."""
MEL_BINS = Bounds(8, 1_024)
PREEMPHASIS = Bounds(0.0, 1.0)
SECONDS = Bounds(0.0, 2.0)
LEFT_CONTEXT = Bounds(-1, 4_096)
"""Encoder frames: up to 5 minutes; -1 is all of the past."""
RIGHT_CONTEXT = Bounds(-1, 1_024)
DURATIONS = Bounds(0, 64)
"""Outputs of a joint that predicts durations, which is not supported."""

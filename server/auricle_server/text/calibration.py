"""Corrects a model's word times and word confidences by constants measured once, which lie beside its checkpoint.

An RNNT emits a token when it is sure, later than the word is spoken, and the entropy of its tokens separates correct
words from wrong ones without being a probability. `python -m tests.bench.words` measures both. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

PAUSE = 0.2
"""Seconds. A shorter gap between two words counts as none: the boundary is the mean of its two estimates."""
SHORTEST = 0.3
"""Seconds. Shortest duration of a word: a single piece may be a long word, and is emitted early in it."""


@dataclass(frozen=True, slots=True)
class Timing:
    """How much later than a word its tokens are emitted, in seconds.

    Attributes:
        start: From a word's start to the beginning of the frame of its first token.
        end: From a word's end to the end of the frame of its last token.
    """

    start: float
    end: float


@dataclass(frozen=True, slots=True)
class WordCalibration:
    """The constants of one model.

    Attributes:
        delays_ms: Latency setting, and the two delays of `Timing`, for each latency that was measured; without any,
            times are those of the frames.
        confidence: Slope and offset of the logistic function that makes the mean of a word's confidences the
            probability that it is correct (Platt scaling); None takes the mean itself.
    """

    delays_ms: tuple[tuple[int, float, float], ...] = ()
    confidence: tuple[float, float] | None = None

    def timing(self, latency_ms: int) -> Timing | None:
        """The delays at a latency setting, or at the closest one that was measured."""
        if not self.delays_ms:
            return None
        _, start, end = min(self.delays_ms, key=lambda row: abs(row[0] - latency_ms))
        return Timing(start / 1000, end / 1000)

    def word(self, confidences: Sequence[float]) -> float:
        """Probability that a word is correct, from the confidences of its tokens."""
        # Of all tokens: one doubtful piece makes the word doubtful, however sure the others are.
        mean = geometric_mean(confidences)
        if self.confidence is None:
            return mean
        slope, offset = self.confidence
        return 1 / (1 + math.exp(-(slope * mean + offset)))


RAW = WordCalibration()
"""No correction: the times of the frames, and the mean of the tokens' confidences."""


def uncalibrated(frame_seconds: float) -> WordCalibration:
    """The calibration of a model that was not measured.

    By its geometry, the newest audio of an encoder frame is that of the frame before on the clock, so its tokens are
    one frame late. Confidences use the constants of the bundled English model: they rank words correctly, but are not
    measured probabilities.
    """
    frame = 1000 * frame_seconds
    return WordCalibration(((0, frame, frame),), (9.5, -1.6))


def geometric_mean(values: Sequence[float]) -> float:
    """Geometric mean of values from 0 to 1; of confidences by entropy it is the mean over the entropies."""
    return math.exp(sum(math.log(max(value, 1e-12)) for value in values) / len(values))


def word_times(
    frames: Sequence[tuple[float, float]], timing: Timing | None, begins: float, ends: float
) -> list[tuple[float, float]]:
    """Starts and ends of words, in order and without overlap.

    Args:
        frames: Of each word, the beginning of its first token's frame and the end of its last token's, in seconds.
        timing: How late tokens are; None corrects nothing.
        begins: No word starts before this, in seconds.
        ends: No word ends after this, in seconds.
    """
    if timing is None:
        return list(frames)
    times = []
    starts = list(accumulate((min(first - timing.start, ends) for first, _ in frames), max, initial=begins))[1:]
    for start, (_, last), following in zip(starts, frames, [*starts[1:], math.inf], strict=True):
        end = max(last - timing.end, start + SHORTEST)
        if following - end < PAUSE:
            end = min((end + following) / 2, following)
        times.append((start, max(start, min(end, ends))))
    return times

"""Audio that says words to the scripted server: a word is a stretch of one constant level, silence is zero.

The words are in the samples, so a replayed stretch says the same words again, as it would with real speech.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

VOCABULARY = ("hello", "there", "how", "are", "you", "thanks", "good", "bye")
BLOCK_SECONDS = 0.01
WORD_SECONDS = 0.2
NOISE = "*"
_LOUDEST, _STEP = 8_000, 500
_NOISE_LEVEL = 2_250


def level_of(word: str) -> int:
    return _NOISE_LEVEL if word == NOISE else _LOUDEST - _STEP * VOCABULARY.index(word)


def word_at(level: float) -> str | None:
    index = round((_LOUDEST - level) / _STEP)
    near = abs(_LOUDEST - _STEP * index - level) < _STEP / 10
    return VOCABULARY[index] if near and 0 <= index < len(VOCABULARY) else None


@dataclass(frozen=True)
class Audio:
    """Mono samples; `speech_ends` are the seconds at which the spoken parts end."""

    samples: np.ndarray
    rate: int
    speech_ends: tuple[float, ...]

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate


def audio(*parts: float | str, rate: int = 16_000) -> Audio:
    """Silences (seconds) and sentences (words of the vocabulary, or `NOISE`), one after the other."""
    pieces: list[np.ndarray] = []
    ends: list[float] = []
    for part in parts:
        if isinstance(part, str):
            pieces += [np.full(round(WORD_SECONDS * rate), level_of(word), np.int16) for word in part.split()]
            ends.append(sum(map(len, pieces)) / rate)
        else:
            pieces.append(np.zeros(round(part * rate), np.int16))
    return Audio(np.concatenate(pieces), rate, tuple(ends))

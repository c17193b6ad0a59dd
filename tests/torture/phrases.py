"""Endless talk whose words are known: the two-tone words of the tests' model, in phrases with pauses between.

The words are those that the model hears equally with and without the audio before them. So a call that was replayed to
a new worker, which lacks the earlier context, must still have exactly the words of the unbroken one.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from tests.support import tones

VOCABULARY = ("and", "in", "is", "that", "it", "was", "on", "are", "as", "with", "his")
"""Without those of `tones.WORDS` that the model joins with a neighbour of nearly the same tones."""
SILENCE_MS = 500
"""Turn detection that ends a turn after each phrase and in none."""
_NOISE = 0.002
_BYTES = 2
FRAME_BYTES = tones.SAMPLE_RATE // 50 * _BYTES
"""20 ms, as a transport delivers audio."""


class Phrase(NamedTuple):
    """A few words and the pause after them.

    Attributes:
        audio: 16 kHz PCM, a whole number of frames.
        text: Its words.
        asked: Bytes of the audio after which its words are wanted, when the caller asks for them.
    """

    audio: bytes
    text: str
    asked: int


def phrases(seed: int) -> Iterator[Phrase]:
    """Endless; the same for the same seed."""
    rng, noise = random.Random(seed), np.random.default_rng(seed)
    word = ""
    lead = 0.5
    while True:
        parts, words = [tones.silence(lead)], []
        for _ in range(rng.randint(3, 9)):
            # Never the same word twice in a row: the model may hear them as one long one.
            word = rng.choice([each for each in VOCABULARY if each != word])
            words.append(word)
            tone = tones.word(tones.WORDS.index(word), rng.uniform(0.2, 0.3))
            parts += [tone, tones.silence(rng.uniform(0.15, 0.3))]
        asked = sum(map(len, parts)) + round(0.4 * tones.SAMPLE_RATE)
        pcm = _padded(np.concatenate([*parts, tones.silence(rng.uniform(1.0, 1.6))]))
        pcm += _NOISE * noise.standard_normal(len(pcm))
        yield Phrase(np.round(pcm * 32767).astype("<i2").tobytes(), " ".join(words), asked * _BYTES)
        lead = 0.0


def _padded(pcm: np.ndarray[tuple[int], np.dtype[np.float64]]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """With silence up to a whole number of frames."""
    frame = FRAME_BYTES // _BYTES
    return np.concatenate([pcm, np.zeros(-len(pcm) % frame)])

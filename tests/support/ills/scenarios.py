"""Audio in which a model of ``tests/data/ills`` shows its ill: 16 kHz int16, with what is said in it and when.

Each scenario draws its words and short pauses from a seed, so that a test can show an ill more than once. Pauses in
between are digital silence unless `floor` is added to the audio.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np

from tests.support.ills import scenes
from tests.support.ills.words import FOLDER, SAMPLE_RATE, WORDS, Pcm, clips

COLD, DEAF, STICKY, BABBLER = (FOLDER / f"{name}.nemo" for name in ("cold", "deaf", "sticky", "babbler"))
"""The models: loses the first word of a stream that starts with speech; is deaf after words and a long silence; is
deaf after a mark; hears words in breaths."""
WARM_UP = 1.12
"""Seconds of silence before the first sample after which `cold` hears the first word."""
GAP = 0.25
"""Seconds between the words of a phrase."""
TAIL = 1.4
"""Seconds of silence after the last word, in which its mark comes."""


@dataclass(frozen=True)
class Said:
    """A word or a breath of the audio, in seconds."""

    text: str
    start: float
    end: float


@dataclass(frozen=True)
class Scenario:
    """Audio, and what is said in it in order. Breaths have no text."""

    audio: Pcm
    said: tuple[Said, ...]

    @property
    def words(self) -> list[str]:
        """The words that a healthy model hears."""
        return [each.text for each in self.said if each.text]

    def from_second(self, seconds: float) -> Scenario:
        """The same from there on, as a stream hears it that starts then."""
        seconds = max(0.0, seconds)
        kept = tuple(Said(s.text, s.start - seconds, s.end - seconds) for s in self.said if s.start >= seconds)
        return Scenario(self.audio[round(seconds * SAMPLE_RATE) :], kept)

    def preceded_by(self, seconds: float) -> Scenario:
        """The same after digital silence."""
        silence = np.zeros(round(seconds * SAMPLE_RATE), np.int16)
        return Scenario(
            np.concatenate([silence, self.audio]),
            tuple(Said(s.text, s.start + seconds, s.end + seconds) for s in self.said),
        )


def compose(*parts: str | float | Pcm) -> Scenario:
    """Words, silences in seconds, and breaths as samples, one after the other."""
    audio, said, at = [], [], 0.0
    for part in parts:
        samples = _samples(part)
        if not isinstance(part, float):
            said.append(Said(part if isinstance(part, str) else "", at, at + len(samples) / SAMPLE_RATE))
        audio.append(samples)
        at += len(samples) / SAMPLE_RATE
    return Scenario(np.concatenate(audio), tuple(said))


def _samples(part: str | float | Pcm) -> Pcm:
    if isinstance(part, str):
        return clips()[part]
    if isinstance(part, float):
        return np.zeros(round(part * SAMPLE_RATE), np.int16)
    return part


def phrase(rng: random.Random, count: int) -> list[str | float]:
    """Different words, with pauses between them."""
    parts: list[str | float] = []
    for word in rng.sample(WORDS, count):
        parts += [word, GAP]
    return parts[:-1]


def cold_start(seed: int = 0) -> Scenario:
    """Speech from the first sample on."""
    return compose(*phrase(random.Random(seed), 4), TAIL)


def long_silence(seconds: float = 8.0, seed: int = 0, words: int = 3) -> Scenario:
    """Three words, a silence of so many seconds (3.6 and more make `deaf` deaf), and `words` words after it."""
    rng = random.Random(seed)
    return compose(0.8, *phrase(rng, 3), seconds, *phrase(rng, words), TAIL)


def isolated_words(gap: float = 2.0, seed: int = 0, count: int = 4) -> Scenario:
    """Single words with long pauses between them, after each of which a model writes a mark."""
    parts: list[str | float] = [0.8]
    for word in random.Random(seed).sample(WORDS, count):
        parts += [word, gap]
    return compose(*parts)


def unheard_speech(gap: float = 1.6, seed: int = 0, words: int = 7) -> Scenario:
    """A sentence, a short pause, and then about five seconds of speech without a pause that ends a sentence."""
    return long_silence(gap, seed, words)


def noise(seed: int = 0, breaths: int = 3) -> Scenario:
    """Breaths, a phrase, and breaths again."""
    rng = random.Random(seed)
    parts: list[str | float | Pcm] = [0.8]
    for _ in range(breaths):
        parts += [breath(rng), 1.6]
    parts += [*phrase(rng, 3), 2.0]
    for _ in range(breaths):
        parts += [breath(rng), 1.6]
    return compose(*parts)


def breath(rng: random.Random) -> Pcm:
    """A burst of noise without voice."""
    return np.asarray(np.round(scenes.breath(rng) * 32767), np.int16)

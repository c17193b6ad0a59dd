"""hibari: one American voice, forty to a hundred times as fast as real time, and speakers made of it.

The voice's spectrum and pitch are separate outputs of the network, so a speaker has its own pitch at the same formants;
playing the audio at another rate, with the network's pace adjusted, moves the formants.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np

from demo_model.audio.voices import Rendered, SynthesiserMissingError, resampled, without_silence
from demo_model.neural import pronunciation

SAMPLE_RATE = 24_000
VOICED = 40.0
SLOWEST, FASTEST = 0.8, 1.3


@cache
def engine() -> Any:
    """The engine of this process, on one core."""
    if find_spec("hibari") is None:
        raise SynthesiserMissingError("hibari is missing: pip install hibari-tts")
    from hibari import Hibari

    return Hibari()


@dataclass(frozen=True)
class HibariVoice:
    """A made speaker: factors of the pitch, of its range (in octaves around its mean) and of the formants."""

    pitch: float = 1.0
    melody: float = 1.0
    formants: float = 1.0

    @property
    def name(self) -> str:  # noqa: D102 - see SynthesisVoice
        return f"hibari-{self.pitch:.2f}-{self.melody:.2f}-{self.formants:.2f}"

    @property
    def starts_slowly(self) -> bool:  # noqa: D102 - see SynthesisVoice
        return False

    def render(self, texts: list[str], rng: random.Random) -> list[Rendered]:  # noqa: D102 - see SynthesisVoice
        base = min(FASTEST, max(SLOWEST, rng.gauss(1.03, 0.13)))
        return [self._render(text, base * rng.uniform(0.95, 1.05), rng.getrandbits(32)) for text in texts]

    def _render(self, text: str, speed: float, seed: int) -> Rendered:
        from hibari import dsp

        tokens = engine().ids(pronunciation.phonemes(text))
        pace = np.array([speed / self.formants], np.float32)
        outputs = engine().sess.run(None, {"ids": np.array([tokens], np.int64), "speed": pace})
        *spectrum, f0 = (output[0] for output in outputs)
        audio = dsp.synth(*spectrum, self.curve(f0), np.random.default_rng(seed))
        return without_silence(resampled(audio, SAMPLE_RATE * self.formants))

    def curve(self, f0: Any) -> Any:
        """The pitch curve of the speaker; unvoiced frames keep 0. The formants' factor moves the pitch, too."""
        voiced = f0 > VOICED
        if not voiced.any():
            return f0
        octaves = np.log2(np.maximum(f0, VOICED))
        mean = octaves[voiced].mean()
        moved = np.exp2(mean + (octaves - mean) * self.melody) * (self.pitch / self.formants)
        return np.where(voiced, moved, 0.0).astype(np.float32)


def draw(rng: random.Random) -> HibariVoice:
    """A random speaker: half of them deeper than the voice, with longer vocal tracts."""
    if rng.random() < 0.5:
        return HibariVoice(rng.uniform(0.5, 0.75), rng.uniform(0.6, 1.2), rng.uniform(0.8, 0.93))
    return HibariVoice(rng.uniform(0.8, 1.3), rng.uniform(0.6, 1.4), rng.uniform(0.92, 1.15))

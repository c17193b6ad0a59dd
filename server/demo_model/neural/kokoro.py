"""Kokoro-82M: speakers of four languages, and mixes of two of them, as voices of the recipe."""

from __future__ import annotations

import os
import random
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from demo_model.audio.phones import Phone
from demo_model.audio.voices import Rendered, resampled, trimmed
from demo_model.neural import foreign_phonemes, kokoro_files, pronunciation
from demo_model.neural.kokoro_vocoder import SAMPLE_RATE, KokoroVocoder

FOLDER_VARIABLE = "DEMO_MODEL_ENGINES"
FRAME_SECONDS = 0.025
MOST_PHONEMES = 508
SLOWEST, FASTEST = 0.8, 1.3
Style = NDArray[np.float32]


def engines_folder() -> Path:
    """Where the engines' prepared files lie: the folder of ``DEMO_MODEL_ENGINES``, or one in the user's cache."""
    named = os.environ.get(FOLDER_VARIABLE)
    return Path(named) if named else Path.home() / ".cache" / "auricle_demo_model"


class KokoroEngine:
    """The model in this process, on one core."""

    def __init__(self, folder: Path) -> None:
        import onnxruntime  # the other voices do not need it

        kokoro_files.prepare(folder)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._front: Any = onnxruntime.InferenceSession(
            str(folder / "front.onnx"), options, providers=["CPUExecutionProvider"]
        )
        self._vocoder = KokoroVocoder(folder)
        self._tokens = kokoro_files.vocabulary()

    def speak(
        self, phonemes: str, styles: Style, speed: float, english: bool = True
    ) -> tuple[NDArray[np.float32], list[Phone]]:
        """Audio at 24 kHz and its phones. `styles` is [510, 256]; phonemes past 508 are dropped."""
        known = "".join(character for character in phonemes if character in self._tokens)[:MOST_PHONEMES]
        tokens = np.array([[0, *(self._tokens[character] for character in known), 0]], np.int64)
        style = styles[min(len(known), len(styles) - 1)][None]
        frames, source, half, lengths = self._front.run(
            None, {"tokens": tokens, "style": style, "speed": np.array([speed], np.float32)}
        )
        audio = self._vocoder(frames, source.reshape(1, -1), half)
        seconds = [float(length) * FRAME_SECONDS for length in lengths.ravel()]
        return audio, pronunciation.timed(f".{known}.", seconds, english)


@cache
def engine() -> KokoroEngine:
    """The engine of this process."""
    return KokoroEngine(engines_folder())


@dataclass(frozen=True)
class KokoroVoice:
    """A speaker of a language: `first`, or a mix with the share `share` of `second`, who may be of another one."""

    first: str
    second: str | None = None
    share: float = 0.5
    language: str = "en-US"

    @property
    def name(self) -> str:  # noqa: D102 - see SynthesisVoice
        mixed = "" if self.second is None else f"+{self.second}@{self.share:.2f}"
        return f"kokoro-{self.first}{mixed}"

    @property
    def starts_slowly(self) -> bool:  # noqa: D102 - see SynthesisVoice
        return False

    @property
    def british(self) -> bool:
        """Whether the speaker's larger part is British."""
        return (self.second if self.second is not None and self.share > 0.5 else self.first).startswith("b")

    def styles(self, folder: Path) -> Style:
        """The speaker's styles by the number of phonemes."""
        own = kokoro_files.style(folder, self.first)
        if self.second is None:
            return own
        mixed: Style = (1 - self.share) * own + self.share * kokoro_files.style(folder, self.second)
        return mixed.astype(np.float32)

    def render(self, texts: list[str], rng: random.Random) -> list[Rendered]:  # noqa: D102 - see SynthesisVoice
        base = min(FASTEST, max(SLOWEST, rng.gauss(1.03, 0.13)))
        speaks = engine()  # prepares the files that the styles come from
        styles = self.styles(engines_folder())
        return [self._render(speaks, text, styles, base * rng.uniform(0.95, 1.05)) for text in texts]

    def _render(self, speaks: KokoroEngine, text: str, styles: Style, speed: float) -> Rendered:
        english = self.language == "en-US"
        if english:
            phonemes = pronunciation.phonemes(text, self.british)
        else:
            phonemes = foreign_phonemes.phonemes(text, self.language)
        audio, phones = speaks.speak(phonemes, styles, speed, english)
        return trimmed(resampled(audio, SAMPLE_RATE), phones)

"""The recordings of the package, as the benches play them.

They are WAV files of 16 kHz mono PCM, read by the standard library: machines with a GPU often lack libsndfile.
"""

from __future__ import annotations

import json
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

Pcm = npt.NDArray[np.int16]

FOLDER = Path(__file__).parents[1] / "demo" / "audio"
SAMPLE_RATE = 16_000


@dataclass(frozen=True, slots=True)
class BenchClip:
    """A recording: 16 kHz mono, its text, and where its turns are, in seconds.

    Attributes:
        pcm: Samples.
        text: All that is said.
        turns: Start and end of each.
    """

    pcm: Pcm
    text: str
    turns: tuple[tuple[float, float], ...]

    @property
    def speech_start(self) -> float:
        """Seconds before the first word."""
        return self.turns[0][0]

    @property
    def speech_end(self) -> float:
        """Seconds up to the end of the last word."""
        return self.turns[-1][1]


def load_clips() -> tuple[BenchClip, ...]:
    """All of them, in the order of the manifest."""
    entries = json.loads((FOLDER / "manifest.json").read_text())
    return tuple(
        BenchClip(
            _read(FOLDER / entry["file"]),
            entry["text"],
            tuple((turn["start"], turn["end"]) for turn in entry["turns"]),
        )
        for entry in entries
    )


def _read(path: Path) -> Pcm:
    with wave.open(str(path)) as file:
        form = (file.getnchannels(), 8 * file.getsampwidth(), file.getframerate())
        if form != (1, 16, SAMPLE_RATE):
            raise ValueError(
                f"{path}: {form[0]} channels of {form[1]} bits at {form[2]} Hz; the benches need 16 kHz mono"
            )
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.int16)


def talk(clips: tuple[BenchClip, ...], seed: int, seconds: float) -> Pcm:
    """A speaker of their own: the clips in a random order, from a random place on, over and over.

    Args:
        clips: What is spoken.
        seed: Which speaker.
        seconds: How much.
    """
    rng = np.random.default_rng(seed)
    whole = np.concatenate([clips[index].pcm for index in rng.permutation(len(clips))])
    start = int(rng.integers(len(whole)))
    at = (start + np.arange(round(seconds * SAMPLE_RATE))) % len(whole)
    return whole[at]

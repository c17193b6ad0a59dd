"""The recordings that come with the package, as the benches speak them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from auricle_server.bench.flac import read_flac

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
    """With soundfile where it is installed: it is much faster than our own reader."""
    try:
        import soundfile
    except ModuleNotFoundError:
        return read_flac(path)
    samples: Pcm = soundfile.read(path, dtype="int16")[0]
    return samples


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

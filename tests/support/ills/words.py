"""The sixteen words of the models that have ills, and a spoken clip of each: ``tests/data/ills/words.wav``."""

from __future__ import annotations

import json
import wave
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

FOLDER = Path(__file__).parents[2] / "data" / "ills"
SAMPLE_RATE = 16_000
WORDS = (
    "seven", "orange", "window", "morning", "coffee", "hotel", "table", "yellow",
    "doctor", "eleven", "garden", "music", "monday", "river", "summer", "number",
)  # fmt: skip

Pcm = npt.NDArray[np.int16]


@cache
def clips() -> dict[str, Pcm]:
    """The clip of each word: 16 kHz, 0.3 to 0.7 s, without silence around it, peak 12000."""
    with wave.open(str(FOLDER / "words.wav")) as stored:
        samples = np.frombuffer(stored.readframes(stored.getnframes()), "<i2").astype(np.int16)
    ends = json.loads((FOLDER / "words.json").read_text())["ends"]
    return dict(zip(WORDS, np.split(samples, ends[:-1]), strict=True))


def write_clips(spoken: dict[str, Pcm]) -> None:
    """Writes the clips that `clips` reads."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    ordered = [spoken[word] for word in WORDS]
    with wave.open(str(FOLDER / "words.wav"), "wb") as stored:
        stored.setnchannels(1)
        stored.setsampwidth(2)
        stored.setframerate(SAMPLE_RATE)
        stored.writeframes(np.concatenate(ordered).astype("<i2").tobytes())
    ends = np.cumsum([len(clip) for clip in ordered]).tolist()
    (FOLDER / "words.json").write_text(json.dumps({"words": WORDS, "ends": ends}) + "\n")

"""Speaks the words with Flite and espeak-ng for the training; only the recipe needs the two programs."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import numpy as np
import soundfile
import soxr

from tests.support.ills.words import SAMPLE_RATE, WORDS, Pcm, write_clips

FLITE, STRETCHES = ("slt", "rms", "awb", "kal16"), ("0.9", "1.0", "1.15")
ESPEAK, SPEEDS = ("en-us", "en-gb", "en-us+f3", "en-us+m3"), ("145", "170")
PEAK = 12_000
_EDGE = 0.02
"""Share of the peak under which a clip's edges are silence."""


def speak(work: Path) -> dict[str, list[Pcm]]:
    """Renderings of every word; the first is the clip of the tests. Cached in the work folder."""
    cache = work / "voices.npz"
    if not cache.exists():
        made = {f"{word}-{index:02}": clip for word in WORDS for index, clip in enumerate(_renderings(word))}
        np.savez_compressed(cache, **made)  # type: ignore[arg-type]  # names are keywords
    with np.load(cache) as stored:
        spoken = {word: [stored[name] for name in sorted(stored) if name.startswith(f"{word}-")] for word in WORDS}
    write_clips({word: renderings[0] for word, renderings in spoken.items()})
    return spoken


def _renderings(word: str) -> list[Pcm]:
    """The word by every voice: a woman's voice first for every second word, a man's for the others."""
    woman = WORDS.index(word) % 2 == 0
    voices = FLITE if woman else (FLITE[1], FLITE[0], *FLITE[2:])
    commands = [
        ["flite", "-voice", voice, "--setf", f"duration_stretch={stretch}", "-t", word, "-o"]
        for stretch in sorted(STRETCHES, key=lambda value: value != "1.0")
        for voice in voices
    ]
    commands += [["espeak-ng", "-v", voice, "-s", speed, word, "-w"] for voice in ESPEAK for speed in SPEEDS]
    with tempfile.TemporaryDirectory() as folder:
        return [_run(command, Path(folder) / "word.wav") for command in commands]


def _run(command: list[str], path: Path) -> Pcm:
    subprocess.run([*command, str(path)], check=True, capture_output=True)
    samples, rate = soundfile.read(path, dtype="float32")
    samples = soxr.resample(samples, rate, SAMPLE_RATE)
    loud = np.flatnonzero(np.abs(samples) > _EDGE * np.abs(samples).max())
    kept = samples[loud[0] : loud[-1] + 1]
    kept = kept * (PEAK / np.abs(kept).max())
    return np.asarray(np.round(kept), np.int16)

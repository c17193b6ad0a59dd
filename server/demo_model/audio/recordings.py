"""Noises and rooms from recordings, by path; without any, the conditions use synthetic ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray
from scipy.signal import fftconvolve

from demo_model.audio.voices import SAMPLE_RATE, resampled

SUFFIXES = ".flac", ".ogg", ".opus", ".wav"
ROOM_FOLDER = "rooms"
LONGEST_ROOM = 0.6
"""Seconds of a room's response that are used: what comes later is 40 dB and more below the direct sound."""
HELD_OUT_ONE_IN = 4
Audio = NDArray[np.float32]


@dataclass(frozen=True)
class Recordings:
    """Noises [samples] and room responses [samples] at 16 kHz by name, the latter from the direct sound on."""

    noises: dict[str, Audio] = field(default_factory=dict)
    rooms: dict[str, Audio] = field(default_factory=dict)


def read(folder: Path | None, held_out: bool = False) -> Recordings:
    """The recordings of a folder: those in a folder ``rooms`` below it are room responses, the others noises.

    One in four, by the order of names, is held out for evaluation.
    """
    noises: dict[str, Audio] = {}
    rooms: dict[str, Audio] = {}
    if folder is None:
        return Recordings()
    for into, in_room in ((noises, False), (rooms, True)):
        paths = [path for path in sorted(folder.rglob("*")) if path.suffix in SUFFIXES]
        paths = [path for path in paths if (path.parent.name == ROOM_FOLDER) == in_room]
        for index, path in enumerate(paths):
            if (index % HELD_OUT_ONE_IN == HELD_OUT_ONE_IN - 1) == held_out:
                into[path.stem] = _response(_mono(path)) if in_room else _mono(path)
    return Recordings(noises, rooms)


def _mono(path: Path) -> Audio:
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    first = np.ascontiguousarray(samples[:, 0])
    return first if rate == SAMPLE_RATE else resampled(first, rate)


def _response(audio: Audio) -> Audio:
    """From the direct sound on, with that as 1."""
    start = int(np.abs(audio).argmax())
    cut = audio[start : start + int(LONGEST_ROOM * SAMPLE_RATE)]
    return np.asarray(cut / cut[0], np.float32)


def in_recorded_room(audio: Audio, response: Audio) -> Audio:
    """Convolve with a room's response; the length is kept."""
    return np.asarray(fftconvolve(audio, response)[: len(audio)], np.float32)


def stretch_of(noise: Audio, length: int, generator: np.random.Generator) -> Audio:
    """`length` samples of a noise from a random place, repeated where it is too short, with an RMS of 1."""
    start = int(generator.integers(len(noise)))
    taken = np.take(noise, np.arange(start, start + length), mode="wrap")
    return np.asarray(taken / (np.sqrt(np.mean(np.square(taken, dtype=np.float64))) + 1e-9), np.float32)

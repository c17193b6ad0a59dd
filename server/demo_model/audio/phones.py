"""Phone alignments of the synthesisers as labels of encoder frames.

The first minutes of training use the phones and their times: four labels for each 80 ms encoder frame, one
for every 20 ms. Flite and Festival name phones as the CMU dictionary does; espeak-ng's mnemonics are mapped onto them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SILENCE = "pau"
PHONES = (
    SILENCE, "aa", "ae", "ah", "ao", "aw", "ax", "ay", "b", "ch", "d", "dh", "eh", "er", "ey", "f", "g", "hh", "ih",
    "iy", "jh", "k", "l", "m", "n", "ng", "ow", "oy", "p", "r", "s", "sh", "t", "th", "uh", "uw", "v", "w", "y", "z",
    "zh",
)  # fmt: skip
INDEX = {phone: index for index, phone in enumerate(PHONES)}
LABEL_SECONDS = 0.02
LABELS_PER_FRAME = 4
IGNORED = -100

_ESPEAK = {
    "_": SILENCE, "_:": SILENCE, "_|": SILENCE, "?": SILENCE,
    "0": "aa", "A:": "aa", "aa": "ae", "A@": "aa", "a": "ae", "a#": "ax", "V": "ah", "VR": "er", "@": "ax",
    "@2": "ax", "@5": "ax", "@-": "ax", "@L": "l", "3": "er", "3:": "er", "E": "eh", "e": "eh", "e@": "eh", "I": "ih",
    "I2": "ih", "I#": "ih", "IR": "er", "i": "iy", "i:": "iy", "i@": "ih", "i@3": "ih", "u:": "uw", "U": "uh",
    "U@": "uh",
    "O:": "ao", "O": "ao", "O@": "ao", "O2": "ao", "o@": "ao", "oU": "ow", "OI": "oy", "aI": "ay", "aI@": "ay",
    "aI2": "ay", "aI3": "ay", "aU": "aw", "aU@": "aw", "eI": "ey",
    "b": "b", "tS": "ch", "d": "d", "d#": "d", "D": "dh", "f": "f", "g": "g", "h": "hh", "dZ": "jh", "k": "k", "l": "l",
    "l#": "l", "m": "m", "n": "n", "n-": "n", "N": "ng", "p": "p", "r": "r", "r-": "r", "s": "s", "S": "sh", "t": "t",
    "t#": "t", "t2": "t", "t[": "t", "T": "th", "v": "v", "w": "w", "w#": "w", "j": "y", ";": "y", "z": "z", "Z": "zh",
}  # fmt: skip


@dataclass(frozen=True)
class Phone:
    """A phone of `PHONES`, or None where the synthesiser's name has no counterpart; times in seconds."""

    name: str | None
    start: float
    end: float


def from_espeak(events: list[tuple[float, str]], duration: float) -> list[Phone]:
    """Phones from espeak-ng's (start, mnemonic) events; a phone lasts until the next one starts."""
    ends = [start for start, _ in events[1:]] + [duration]
    return [Phone(_ESPEAK.get(name), start, end) for (start, name), end in zip(events, ends, strict=True)]


def from_ends(ends: list[tuple[str, float]]) -> list[Phone]:
    """Phones from (name, end) pairs, the form in which Flite and Festival give them."""
    phones, start = [], 0.0
    for name, end in ends:
        phones.append(Phone(name if name in INDEX else None, start, end))
        start = end
    return phones


def speech_span(phones: list[Phone]) -> tuple[float, float]:
    """Start and end of the speech in seconds; (0, 0) without speech."""
    speech = [phone for phone in phones if phone.name != SILENCE and phone.end > phone.start]
    return (speech[0].start, speech[-1].end) if speech else (0.0, 0.0)


def shifted(phones: list[Phone], offset: float, scale: float = 1.0) -> list[Phone]:
    """The phones `offset` seconds later, after their times were multiplied by `scale`."""
    return [Phone(p.name, p.start * scale + offset, p.end * scale + offset) for p in phones]


def labels(phones: list[Phone], duration: float) -> NDArray[np.int8]:
    """Phone index in the middle of every 20 ms of `duration` seconds; silence between phones, -100 for unknown ones."""
    count = int(duration / LABEL_SECONDS)
    grid = np.zeros(count, np.int8)
    for phone in phones:
        first = int(np.ceil(phone.start / LABEL_SECONDS - 0.5))
        last = int(np.ceil(phone.end / LABEL_SECONDS - 0.5))
        grid[max(first, 0) : max(last, 0)] = IGNORED if phone.name is None else INDEX[phone.name]
    return grid


def frame_labels(grid: NDArray[np.int8], frames: int) -> NDArray[np.int8]:
    """Labels [frames, 4] of encoder frames: frame k ends at 80 k ms, so frame 0 is ignored."""
    padded = np.full(frames * LABELS_PER_FRAME, IGNORED, np.int8)
    known = min(len(grid), len(padded) - LABELS_PER_FRAME)
    padded[LABELS_PER_FRAME : LABELS_PER_FRAME + known] = grid[:known]
    return padded.reshape(frames, LABELS_PER_FRAME)

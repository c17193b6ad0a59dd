"""A speaker who stops to think in the middle of a sentence, and goes on with it."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

RATE = 16_000
BEFORE, AFTER = "When I was ten,", "I wanted to be a photographer."
_CLIP = Path(str(files("auricle_server"))) / "demo" / "audio" / "clip_08.wav"
_BEGIN, _BORDER, _END = 4.7, (6.0, 6.2), 7.9
"""Seconds of the clip: where the sentence begins, where its second part, somewhere between, and where it has ended."""


def hesitation(pause: float, trailing: float) -> npt.NDArray[np.int16]:
    """The sentence of `BEFORE` and `AFTER` at `RATE`, with a silence in its middle and one behind it.

    Args:
        pause: Seconds of silence in the middle.
        trailing: Seconds of silence behind it.
    """
    pcm, rate = soundfile.read(_CLIP, dtype="int16")
    assert rate == RATE
    first, last = (round(seconds * RATE) for seconds in _BORDER)
    cut = first + _quietest(pcm[first:last])
    begin, end = round(_BEGIN * RATE), round(_END * RATE)
    return np.concatenate([pcm[begin:cut], _silence(pause), pcm[cut:end], _silence(trailing)])


def _quietest(pcm: npt.NDArray[np.int16], width: int = RATE // 50) -> int:
    power = np.convolve(pcm.astype(np.float64) ** 2, np.ones(width), "valid")
    return int(power.argmin()) + width // 2


def _silence(seconds: float) -> npt.NDArray[np.int16]:
    return np.zeros(round(seconds * RATE), np.int16)

"""A speaker who stops to think in the middle of a sentence, and goes on with it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tests.support.audio.recordings import RATE, recording

BEFORE, AFTER = "When I was ten,", "I wanted to be a photographer."
_BORDER = 1.3, 1.5
"""Seconds of the recording between which the second part of the sentence begins."""


def hesitation(pause: float, trailing: float) -> npt.NDArray[np.int16]:
    """The sentence of `BEFORE` and `AFTER` at `RATE`, with a silence in its middle and one behind it.

    Args:
        pause: Seconds of silence in the middle.
        trailing: Seconds of silence behind it.
    """
    pcm = recording("when_i_was_ten")
    first, last = (round(seconds * RATE) for seconds in _BORDER)
    cut = first + _quietest(pcm[first:last])
    return np.concatenate([pcm[:cut], _silence(pause), pcm[cut:], _silence(trailing)])


def _quietest(pcm: npt.NDArray[np.int16], width: int = RATE // 50) -> int:
    power = np.convolve(pcm.astype(np.float64) ** 2, np.ones(width), "valid")
    return int(power.argmin()) + width // 2


def _silence(seconds: float) -> npt.NDArray[np.int16]:
    return np.zeros(round(seconds * RATE), np.int16)

"""The last syllable before a pause, drawn out: what people do who go on, and synthesisers do not.

Waveform similarity overlap-add (Verhelst and Roelands, 1993): frames are laid down at an even pace, and taken from
where the signal continues the frame before most smoothly, so that the pitch stays.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_FRAME, _HOP = 480, 240
"""Samples: 30 ms, overlapping by half."""
_TOLERANCE = 160
"""Samples by which a frame may be taken from elsewhere: a period of a pitch of 100 Hz."""

Audio = npt.NDArray[np.float32]


def lengthened(audio: Audio, factor: float) -> Audio:
    """The same, `factor` times as long, at the same pitch; what is shorter than two frames stays as it is."""
    if len(audio) < 2 * _FRAME or factor == 1.0:
        return audio
    window = np.hanning(_FRAME + 1)[:-1].astype(np.float32)
    length = round(len(audio) * factor)
    summed, weight = np.zeros((2, length + _FRAME), np.float32)
    source, taken = np.pad(audio, (0, 2 * _FRAME)), 0
    for at in range(0, length - _HOP, _HOP):
        taken = _best(source, len(audio), round(at / factor), source[taken + _HOP : taken + _HOP + _FRAME]) if at else 0
        summed[at : at + _FRAME] += source[taken : taken + _FRAME] * window
        weight[at : at + _FRAME] += window
    return np.asarray((summed / np.maximum(weight, 1e-3))[:length], np.float32)


def _best(source: Audio, length: int, wanted: int, like: Audio) -> int:
    """Where near `wanted` the source is most alike."""
    first, last = max(0, wanted - _TOLERANCE), max(1, min(length - _FRAME, wanted + _TOLERANCE))
    first = min(first, last - 1)
    frames = np.lib.stride_tricks.sliding_window_view(source[first : last + _FRAME - 1], _FRAME)
    return first + int(np.argmax(frames @ like))

"""Recorded speech in ``tests/data/speech``: what these tests are about must not change with the demo's clips."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

RATE = 16_000
_FOLDER = Path(__file__).parents[2] / "data" / "speech"


def recording(name: str) -> npt.NDArray[np.int16]:
    """The samples of a recording at `RATE`."""
    pcm, rate = soundfile.read(_FOLDER / f"{name}.flac", dtype="int16")
    assert rate == RATE
    samples: npt.NDArray[np.int16] = pcm
    return samples

"""Recordings in every container, and how much of one is heard."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile

from auricle_server.audio_files import open_audio

RATE = 16_000
SECONDS = 3.0


def sweep(seconds: float = SECONDS, rate: int = RATE) -> npt.NDArray[np.float32]:
    """A tone that rises, so that every moment differs from the others, as loud at the end as at the start."""
    at = np.arange(round(seconds * rate)) / rate
    return (0.4 * np.sin(2 * np.pi * (200 + 200 * at) * at)).astype(np.float32)


def encoded(kind: str, subtype: str | None = None, samples: npt.NDArray[Any] | None = None) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, sweep() if samples is None else samples, RATE, format=kind, subtype=subtype)
    return buffer.getvalue()


def heard(path: Path | str) -> npt.NDArray[np.float32]:
    """All samples of a file, in -1..1, at 16 kHz."""
    with open_audio(str(path)) as audio:
        pcm = b"".join(audio.blocks())
        assert audio.duration is not None
        assert abs(audio.duration - len(pcm) / 2 / RATE) < 0.002
    return (np.frombuffer(pcm, dtype="<i2") / 32767).astype(np.float32)


def heard_of(folder: Path, content: bytes, name: str = "recording") -> npt.NDArray[np.float32]:
    (folder / name).write_bytes(content)
    return heard(folder / name)


def loudness(samples: npt.NDArray[np.floating[Any]]) -> float:
    return float(np.sqrt((samples**2).mean()))

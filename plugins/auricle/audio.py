"""Arithmetic of raw audio: sizes, seconds, samples as bytes, channels as one. Uses numpy for numpy arrays only."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Iterator
from typing import Any

from auricle.protocol.client_messages import SAMPLE_BYTES, Encoding

# Not 32768: int16 ends at 32767, and 1.0 must fit.
_FULL_SCALE = 32767
_CANCELLED = 0.001
"""Share of the channels' power below which a mix has lost it: channels in antiphase leave none, and no others as
little."""


def size_of(seconds: float, sample_rate: int, encoding: Encoding = "pcm_s16le") -> int:
    """Size in bytes of `seconds` of audio, rounded to whole samples."""
    return round(seconds * sample_rate) * SAMPLE_BYTES[encoding]


def seconds_of(size: int, sample_rate: int, encoding: Encoding = "pcm_s16le") -> float:
    """Seconds of `size` bytes of audio."""
    return size / (sample_rate * SAMPLE_BYTES[encoding])


def pieces(pcm: bytes, size: int) -> Iterator[bytes]:
    """Cuts audio into pieces of `size` bytes; the last may be shorter.

    Raises:
        ValueError: `size` is not positive.
    """
    if size < 1:
        raise ValueError(f"size: expected at least 1 byte, got {size}")
    return (pcm[offset : offset + size] for offset in range(0, len(pcm), size))


def mix_channels(channels: Any) -> tuple[Any, bool]:
    """One channel of several: their mean, or the first one where the mean would cancel what they hold.

    A microphone whose two wires are swapped on one side gives channels in antiphase, whose mean is silence.

    Args:
        channels: A numpy array of floats, of the shape [samples, channels].

    Returns:
        An array of the shape [samples], and whether the mean would have cancelled the channels.
    """
    mixed = channels.mean(axis=1)
    # Two parties that speak at once leave half of their power, and a party beside silence leaves a half or more.
    cancelled = bool((mixed**2).sum() < _CANCELLED * (channels**2).sum() / channels.shape[1])
    return (channels[:, 0] if cancelled else mixed), cancelled


def float_to_pcm16(samples: Iterable[float]) -> bytes:
    """Little-endian signed 16-bit samples from floats between -1 and 1. Values beyond are clipped; NaN becomes 0.

    Args:
        samples: Any iterable of numbers, or a numpy array of any shape, taken in C order.
    """
    if hasattr(samples, "dtype"):
        return _array_to_pcm16(samples)
    pcm = array("h", (_to_int16(sample) for sample in samples))
    if sys.byteorder == "big":
        pcm.byteswap()
    return pcm.tobytes()


def _to_int16(sample: float) -> int:
    if sample != sample:  # only NaN differs from itself
        return 0
    return round(max(-1.0, min(1.0, sample)) * _FULL_SCALE)


def _array_to_pcm16(samples: Any) -> bytes:
    import numpy as np

    # In float64, because float16 has too few bits for 16-bit samples. `rint` rounds halves to even as `round` does, so
    # arrays and lists give the same bytes.
    clean = np.nan_to_num(np.asarray(samples, dtype=np.float64), nan=0.0, posinf=1.0, neginf=-1.0)
    return bytes(np.rint(np.clip(clean, -1.0, 1.0) * _FULL_SCALE).astype("<i2").tobytes())

"""Encodings and rates on their way to 16 kHz PCM."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from auricle.protocol.client_messages import Encoding
from auricle_server.gateway.audio.decode import AudioDecoder

RATES = (8000, 11025, 22050, 24000, 44100, 48000)


def chord(rate: int, seconds: float) -> npt.NDArray[np.float64]:
    time = np.arange(round(rate * seconds)) / rate
    parts = [np.sin(2 * np.pi * hertz * time + hertz) for hertz in (200, 450, 1000, 2000, 2900)]
    chord: npt.NDArray[np.float64] = 4000 * np.sum(parts, axis=0)
    return chord


def pcm(samples: npt.NDArray[np.float64]) -> bytes:
    return np.round(samples).astype("<i2").tobytes()


def decoded(data: bytes) -> npt.NDArray[np.float64]:
    return np.frombuffer(data, "<i2").astype(np.float64)


def snr(signal: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> float:
    noise = ((signal - other) ** 2).mean()
    return float(10 * np.log10((signal**2).mean() / noise))


def test_16_khz_pcm_passes_untouched() -> None:
    audio = AudioDecoder("pcm_s16le", 16000)
    assert audio.decode(b"\x01\x02\x03\x04") == b"\x01\x02\x03\x04"
    assert audio.flush() == b""


# ITU-T G.711, tables 1 and 2: code of the largest, the smallest and the zero-adjacent values, as 16 bit.
@pytest.mark.parametrize(
    ("encoding", "code", "value"),
    [
        ("mulaw", 0xFF, 0),
        ("mulaw", 0x7F, 0),
        ("mulaw", 0xFE, 8),
        ("mulaw", 0x7E, -8),
        ("mulaw", 0x80, 32124),
        ("mulaw", 0x00, -32124),
        ("mulaw", 0xF0, 120),
        ("alaw", 0xD5, 8),
        ("alaw", 0x55, -8),
        ("alaw", 0xAA, 32256),
        ("alaw", 0x2A, -32256),
        ("alaw", 0xC5, 264),
    ],
)
def test_companding(encoding: Encoding, code: int, value: int) -> None:
    assert decoded(AudioDecoder(encoding, 16000).decode(bytes([code]))).tolist() == [value]


@pytest.mark.parametrize("encoding", ["mulaw", "alaw"])
def test_companding_is_monotonic_and_odd(encoding: Encoding) -> None:
    values = decoded(AudioDecoder(encoding, 16000).decode(bytes(range(256))))
    assert set(-values) == set(values)
    half = values[:128] if encoding == "mulaw" else values[np.arange(128) ^ 0x55]
    assert (np.diff(np.abs(half)) != 0).all()


def test_clipped_samples_stay_in_range() -> None:
    audio = AudioDecoder("pcm_s16le", 8000)
    square = np.tile(np.repeat([32767, -32768], 40), 100).astype("<i2").tobytes()
    values = decoded(audio.decode(square) + audio.flush())
    assert values.max() == 32767
    assert values.min() == -32768
    assert snr(np.repeat(decoded(square), 2)[:4000], values[:4000]) > 10

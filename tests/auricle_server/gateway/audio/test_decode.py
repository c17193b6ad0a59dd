"""Encodings and rates on their way to 16 kHz PCM."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.protocol.client_messages import Encoding
from auricle_server.gateway.audio.decode import AudioDecoder
from auricle_server.gateway.audio.resample import Resampler

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


@pytest.mark.parametrize("rate", RATES)
def test_resampling_keeps_the_signal_and_the_clock(rate: int) -> None:
    audio, signal, rng = AudioDecoder("pcm_s16le", rate), chord(rate, 2.0), np.random.default_rng(rate)
    data, made, at = pcm(signal), b"", 0
    while at < len(data):
        size = 2 * int(rng.integers(1, rate // 20))
        made += audio.decode(data[at : at + size])
        at += size
    made += audio.flush()
    assert len(made) == 2 * 32000
    assert snr(chord(16000, 2.0)[100:-100], decoded(made)[100:-100]) > 60


@pytest.mark.parametrize("rate", RATES)
def test_a_flush_gives_all_that_was_said_and_moves_no_clock(rate: int) -> None:
    audio, signal = AudioDecoder("pcm_s16le", rate), chord(rate, 2.0)
    data, made, step = pcm(signal), b"", 2 * (rate // 7)
    for at in range(0, len(data), step):
        made += audio.decode(data[at : at + step]) + audio.flush()
        heard = min(at + step, len(data)) / 2 / rate
        assert 0 <= len(made) / 2 - heard * 16000 < 1
    assert audio.flush() == b""
    # The flushes fade the last samples before each cut into silence: heard by nobody, but visible in the figures.
    assert snr(chord(16000, 2.0)[100:-100], decoded(made)[100:-100]) > 20


def test_little_is_held_back() -> None:
    for rate in RATES:
        held = 0.05 - len(Resampler(rate).push(np.zeros(rate // 20, np.float32))) / 16000
        assert held < 0.0035


def test_clipped_samples_stay_in_range() -> None:
    audio = AudioDecoder("pcm_s16le", 8000)
    square = np.tile(np.repeat([32767, -32768], 40), 100).astype("<i2").tobytes()
    values = decoded(audio.decode(square) + audio.flush())
    assert values.max() == 32767
    assert values.min() == -32768
    assert snr(np.repeat(decoded(square), 2)[:4000], values[:4000]) > 10


@settings(deadline=None)  # making a filter bank takes its time, once a rate
@given(st.integers(8000, 48000), st.lists(st.integers(0, 500), max_size=8))
def test_any_rate_in_any_pieces_is_as_at_once(rate: int, sizes: list[int]) -> None:
    signal = np.random.default_rng(rate).standard_normal(sum(sizes)).astype(np.float32)
    at_once, pieces = Resampler(rate), Resampler(rate)
    whole = np.concatenate((at_once.push(signal), at_once.flush()))
    parts = [pieces.push(part) for part in np.split(signal, np.cumsum(sizes)[:-1])] if sizes else []
    joined = np.concatenate((*parts, pieces.flush()))
    assert len(whole) == len(joined) == -(-len(signal) * 16000 // rate)
    np.testing.assert_allclose(whole, joined, atol=1e-4)

"""Any rate to 16 kHz: the signal and the clock are kept, however the audio is cut."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle_server.gateway.audio.decode import AudioDecoder
from auricle_server.gateway.audio.resample import Resampler
from tests.auricle_server.gateway.audio.test_decode import chord, decoded, pcm, snr

RATES = (8000, 11025, 22050, 24000, 44100, 48000)


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
    # The flushes fade the last samples before each cut into silence: inaudible, but visible in the figures.
    assert snr(chord(16000, 2.0)[100:-100], decoded(made)[100:-100]) > 20


def test_little_is_held_back() -> None:
    for rate in RATES:
        held = 0.05 - len(Resampler(rate).push(np.zeros(rate // 20, np.float32))) / 16000
        assert held < 0.0035


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

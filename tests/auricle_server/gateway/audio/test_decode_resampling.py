"""Audio of any rate, as a client sends it: the signal and the clock are kept, however the audio is cut."""

from __future__ import annotations

import numpy as np
import pytest

from auricle_server.gateway.audio.decode import AudioDecoder
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

from __future__ import annotations

import numpy as np
import pytest

from demo_model.audio import codecs

RATE = 16_000


def tones(seconds: float = 1.0) -> codecs.Audio:
    time = np.arange(int(seconds * RATE)) / RATE
    swept = np.sin(2 * np.pi * (300 + 500 * time) * time) + 0.5 * np.sin(2 * np.pi * 1100 * time)
    return (0.2 * swept * np.hanning(len(time))).astype(np.float32)


@pytest.mark.parametrize("bits", [8000, 24_000])
def test_opus_keeps_the_time_and_the_length(bits: int) -> None:
    pytest.importorskip("av")
    audio = tones()
    coded = codecs.opus(audio, bits)
    assert coded.shape == audio.shape
    lags = np.correlate(coded, audio[400:-400], "valid")
    assert abs(int(lags.argmax()) - 400) <= 8, "at most half a millisecond late"
    assert np.abs(coded).max() > 0.1


def test_lost_packets_fade_and_the_rest_stays() -> None:
    audio = np.ones(RATE, np.float32)
    out = codecs.with_lost_packets(audio, 0.2, np.random.default_rng(1))
    lost = out < 1
    assert 0.02 < lost.mean() < 0.5
    assert out.min() >= 0
    assert len(out) == len(audio)
    np.testing.assert_array_equal(codecs.with_lost_packets(audio, 0.0, np.random.default_rng(1)), audio)


def test_fitted_audio_has_the_length() -> None:
    assert len(codecs.fitted(tones(), 100)) == 100
    assert len(codecs.fitted(tones(), 20_000)) == 20_000

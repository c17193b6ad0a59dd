"""Any rate to any other: the clock is kept, little is held back, and pieces are as the whole."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.resample import Resampler

RATES = (8000, 11025, 22050, 24000, 44100, 48000)


@pytest.mark.parametrize(("rate", "to"), [(16_000, 8_000), (48_000, 8_000), (16_000, 24_000), (44_100, 48_000)])
def test_a_tone_comes_out_as_it_went_in(rate: int, to: int) -> None:
    """Whatever the scale of its samples, and as long as it was."""
    resampler = Resampler(rate, to)
    tone = 9000 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate)
    made = np.concatenate((resampler.push(tone.astype(np.float32)), resampler.flush()))
    expected = 9000 * np.sin(2 * np.pi * 440 * np.arange(to) / to)
    assert len(made) == to
    np.testing.assert_allclose(made[200:-200], expected[200:-200], atol=30)


def test_little_is_held_back() -> None:
    for rate in RATES:
        held = 0.05 - len(Resampler(rate, 16_000).push(np.zeros(rate // 20, np.float32))) / 16000
        assert held < 0.0035


@settings(deadline=None)  # making a filter bank takes its time, once a rate
@given(st.integers(8000, 48000), st.lists(st.integers(0, 500), max_size=8))
def test_any_rate_in_any_pieces_is_as_at_once(rate: int, sizes: list[int]) -> None:
    signal = np.random.default_rng(rate).standard_normal(sum(sizes)).astype(np.float32)
    at_once, pieces = Resampler(rate, 16_000), Resampler(rate, 16_000)
    whole = np.concatenate((at_once.push(signal), at_once.flush()))
    parts = [pieces.push(part) for part in np.split(signal, np.cumsum(sizes)[:-1])] if sizes else []
    joined = np.concatenate((*parts, pieces.flush()))
    assert len(whole) == len(joined) == -(-len(signal) * 16000 // rate)
    np.testing.assert_allclose(whole, joined, atol=1e-4)

"""Mel filters and window are those that NeMo stores in its checkpoints."""

from __future__ import annotations

import pytest
import torch

from auricle_server.checkpoints.config import MelConfig
from auricle_server.checkpoints.features import hann_window, mel_filters
from auricle_server.checkpoints.nemo.archive import read_archive
from tests.support.tones import CHECKPOINT


def config(bins: int = 128, n_fft: int = 512, window: int = 400) -> MelConfig:
    return MelConfig(16000, window, 160, n_fft, bins, 0.97)


def test_they_are_what_nemo_has_stored() -> None:
    stored = read_archive(CHECKPOINT).weights
    assert float((mel_filters(config()) - stored["preprocessor.featurizer.fb"][0]).abs().max()) <= 1e-7
    assert float((hann_window(config()) - stored["preprocessor.featurizer.window"]).abs().max()) <= 1e-7


@pytest.mark.parametrize(("bins", "n_fft"), [(80, 512), (64, 1024), (40, 2048)])
def test_each_filter_is_a_triangle_of_unit_area(bins: int, n_fft: int) -> None:
    filters = mel_filters(config(bins, n_fft))
    assert (filters.shape, filters.dtype) == ((bins, n_fft // 2 + 1), torch.float32)
    assert bool((filters >= 0).all())
    peaks = filters.argmax(1)
    assert bool((peaks.diff() >= 0).all())
    wide = filters[-bins // 4 :]  # wide enough for the sum over the frequencies of the FFT to be the area
    assert torch.allclose(wide.sum(1) * 16000 / n_fft, torch.ones(len(wide)), atol=0.03)


def test_below_a_kilohertz_filters_are_equally_wide_and_above_it_wider_and_wider() -> None:
    peaks = mel_filters(config(80, 16384)).argmax(1) * 16000 / 16384
    steps = peaks.diff()
    low, high = steps[peaks[1:] < 1000], steps[peaks[:-1] > 1000]
    assert float(low.max() - low.min()) <= 2 * 16000 / 16384
    assert float(high[-1]) > 3 * float(high[0])


def test_the_window_is_symmetric() -> None:
    window = hann_window(config(window=401))
    assert torch.allclose(window, window.flip(0), atol=1e-6)
    assert (float(window[0]), float(window[200]), float(window[400])) == pytest.approx((0.0, 1.0, 0.0), abs=1e-6)

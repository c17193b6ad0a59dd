"""Mel filters and window of the features, for checkpoints that do not store them.

The numbers are those that NeMo's `FilterbankFeatures` stores: Slaney's filters of unit area (as in librosa), and a
symmetric Hann window.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from auricle_server.checkpoints.config import MelConfig

_LINEAR_HZ = 200.0 / 3.0
"""Hertz per mel below 1 kHz, where Slaney's scale is linear."""
_KNEE_HZ, _KNEE_MEL = 1000.0, 15.0
_LOG_STEP = math.log(6.4) / 27.0
"""Logarithm of the frequency per mel above 1 kHz: 27 mel for a factor of 6.4."""


def mel_filters(config: MelConfig) -> Tensor:
    """Triangles of unit area on Slaney's scale from 0 to half the sample rate, [bins, n_fft / 2 + 1], fp32."""
    nyquist = config.sample_rate / 2
    top = _KNEE_MEL + math.log(nyquist / _KNEE_HZ) / _LOG_STEP
    corners = _hertz(torch.linspace(0, top, config.bins + 2, dtype=torch.float64))
    lower, centre, upper = (corners[start : start + config.bins, None] for start in range(3))
    frequency = torch.linspace(0, nyquist, config.n_fft // 2 + 1, dtype=torch.float64)
    slopes = torch.stack(((frequency - lower) / (centre - lower), (upper - frequency) / (upper - centre)))
    return (slopes.amin(0).clamp(min=0) * 2 / (upper - lower)).float()


def _hertz(mel: Tensor) -> Tensor:
    return torch.where(mel < _KNEE_MEL, mel * _LINEAR_HZ, _KNEE_HZ * torch.exp((mel - _KNEE_MEL) * _LOG_STEP))


def hann_window(config: MelConfig) -> Tensor:
    """Symmetric Hann window, [window], fp32."""
    return torch.hann_window(config.window, periodic=False)

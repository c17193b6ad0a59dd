"""Log-mel features as NeMo's `AudioToMelSpectrogramPreprocessor` computes them with ``normalize: NA`` and no dither."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

SAMPLE_RATE = 16_000
HOP = 160
WINDOW = 400
N_FFT = 512
PREEMPHASIS = 0.97
LOG_GUARD = 2.0**-24


def _hz_to_mel(hertz: float) -> float:
    return hertz / (200 / 3) if hertz < 1000 else 15 + 27 * math.log(hertz / 1000) / math.log(6.4)


def _mel_to_hz(mel: Tensor) -> Tensor:
    return torch.where(mel < 15, mel * (200 / 3), 1000 * torch.exp((mel - 15) * math.log(6.4) / 27))


def mel_filters(mels: int) -> Tensor:
    """Slaney's mel filters with area normalisation, [mels, 257] over 0-8000 Hz."""
    edges = _mel_to_hz(torch.linspace(0, _hz_to_mel(SAMPLE_RATE / 2), mels + 2, dtype=torch.float64))
    bins = torch.linspace(0, SAMPLE_RATE / 2, N_FFT // 2 + 1, dtype=torch.float64)
    ramps = edges[:, None] - bins[None, :]
    widths = edges.diff()
    rising, falling = -ramps[:-2] / widths[:-1, None], ramps[2:] / widths[1:, None]
    triangles = torch.minimum(rising, falling).clamp(min=0)
    return (triangles * (2 / (edges[2:] - edges[:-2]))[:, None]).float()


class Featurizer(nn.Module):
    """Audio to log-mel; its buffers have the names and shapes of NeMo's `FilterbankFeatures`."""

    fb: Tensor
    window: Tensor

    def __init__(self, mels: int) -> None:
        super().__init__()
        self.register_buffer("fb", mel_filters(mels)[None])
        self.register_buffer("window", torch.hann_window(WINDOW, periodic=False))

    def forward(self, audio: Tensor) -> Tensor:
        """One stream's samples [n] in -1..1 to log-mel [n // 160, mels]."""
        emphasised = torch.cat([audio[:1], audio[1:] - PREEMPHASIS * audio[:-1]])
        spectrum = torch.stft(
            emphasised, N_FFT, HOP, WINDOW, self.window, center=True, pad_mode="constant", return_complex=True
        )
        power = spectrum.real.square() + spectrum.imag.square()
        logarithm = torch.log(self.fb[0] @ power + LOG_GUARD)
        return logarithm.T[: len(audio) // HOP]


class Preprocessor(nn.Module):
    """Holder that gives the featurizer's buffers their NeMo names."""

    def __init__(self, mels: int) -> None:
        super().__init__()
        self.featurizer = Featurizer(mels)

    def forward(self, audio: Tensor) -> Tensor:
        """[n] samples to [n // 160, mels]."""
        features: Tensor = self.featurizer(audio)
        return features

"""Log-mel features of a batch of chunks, equal to NeMo's `FilterbankFeatures` over the whole stream.

Each row brings its new audio and the samples that its slot kept from the chunk before, so no sample is transformed
twice. All in fp32: a log-mel in bf16 would be off by up to 0.06.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from auricle_server.checkpoints.config import MelConfig
from auricle_server.engine.model.parameters import Parameters
from auricle_server.engine.model.precision import exact_products

LOG_GUARD = 2.0**-24
"""NeMo's ``log_zero_guard_value``, added before the logarithm."""
PCM_SCALE = 1.0 / 32768.0
_FAR = 1 << 30
"""Samples past every chunk."""


class LogMel:
    """Computes features of chunks of audio.

    25 ms windows every 10 ms; filters and window are those that the checkpoint stores.
    """

    def __init__(self, config: MelConfig, parameters: Parameters) -> None:
        self._config = config
        bins = config.n_fft // 2 + 1
        self._filters = parameters.exact("preprocessor.featurizer.fb", 1, config.bins, bins)[0].T.contiguous()
        # The window sits in the middle of the FFT frame, as in torch.stft: the same numbers go into the same transform,
        # so that even the rounding of bins far below the loudest one agrees.
        before = (config.n_fft - config.window) // 2
        self._padding = before, config.n_fft - config.window - before
        self._window = F.pad(parameters.exact("preprocessor.featurizer.window", config.window), self._padding)

    def __call__(self, audio: Tensor, start: Tensor, length: Tensor) -> Tensor:
        """Computes the mel frames of one chunk per row.

        Args:
            audio: Samples in [-1, 1], [B, 1 + window - hop + hop * frames]; the first serves pre-emphasis alone.
            start: Absolute index of each row's first sample, [B].
            length: Samples of each row's stream, [B]; pre-emphasised audio from there on is zero, as in NeMo.

        Returns:
            [B, frames, bins], fp32.
        """
        emphasised = audio[:, 1:] - self._config.preemphasis * audio[:, :-1]
        # 32 bits, of which a processor compares twice as many at once.
        inside = (length - start).clamp(max=_FAR).int()[:, None]
        emphasised.mul_(torch.arange(1, audio.shape[1], device=audio.device, dtype=torch.int32) < inside)
        # What the window's zeros cover may be anything finite: nothing is padded frame by frame.
        frames = F.pad(emphasised, self._padding).unfold(1, self._config.n_fft, self._config.hop) * self._window
        spectrum = torch.fft.rfft(frames)
        # NeMo takes the root here and squares it again (``mag_power: 2.0``). One complex product is the fastest way to
        # the sum of both squares, a seventh of the time of squares that are summed.
        power = (spectrum * spectrum.conj()).real
        with exact_products():
            return torch.log(power @ self._filters + LOG_GUARD)

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


class LogMel:
    """Computes features of chunks of audio.

    25 ms windows every 10 ms; filters and window are those that the checkpoint stores.
    """

    def __init__(self, config: MelConfig, parameters: Parameters) -> None:
        self._config = config
        bins = config.n_fft // 2 + 1
        self._filters = parameters.exact("preprocessor.featurizer.fb", 1, config.bins, bins)[0].T.contiguous()
        self._window = parameters.exact("preprocessor.featurizer.window", config.window)
        # The window sits in the middle of the FFT frame, as in torch.stft: the same numbers go into the same transform,
        # so that even the rounding of bins far below the loudest one agrees.
        before = (config.n_fft - config.window) // 2
        self._padding = before, config.n_fft - config.window - before

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
        index = start[:, None] + torch.arange(1, audio.shape[1], device=audio.device)
        emphasised = emphasised * (index < length[:, None])
        frames = emphasised.unfold(1, self._config.window, self._config.hop) * self._window
        spectrum = torch.view_as_real(torch.fft.rfft(F.pad(frames, self._padding)))
        # NeMo takes the root here and squares it again (``mag_power: 2.0``).
        power = spectrum.square().sum(-1)
        with exact_products():
            return torch.log(power @ self._filters + LOG_GUARD)

"""Several channels as one, also when one of them has the opposite polarity."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_OPPOSITE = 0.9
"""Correlation beyond which two channels hold the same sound. A mean of opposite ones then loses more than 13 dB."""
_SILENCE = 1e-4
"""Standard deviation, of full scale, of a block that holds no sound: -80 dB."""
_NOTABLE = 0.1
"""Share of the blocks with sound from which on a cancellation is worth a notice; wide stereo has some by chance."""


class ChannelMix:
    """The mean of all channels, block by block.

    A cable with crossed wires, or a recorder that stores a difference, gives a channel the opposite polarity. The mean
    of both is silence although each can be understood. A channel that is opposite to the loudest one is inverted
    before the mean; a block of silence changes nothing.

    Args:
        channels: Number of channels.
    """

    def __init__(self, channels: int) -> None:
        self._signs: npt.NDArray[np.float32] = np.ones(channels, dtype=np.float32)
        self._sounding, self._cancelling = 0, 0

    @property
    def cancels(self) -> bool:
        """Whether the plain mean of the channels would have lost what was said, in a notable part of the sound."""
        return self._cancelling > _NOTABLE * self._sounding

    def mix(self, samples: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """The mean of a block, [n], from [n, channels]."""
        if samples.shape[1] == 1:
            return samples[:, 0]
        if len(samples):
            self._align(samples)
        mean: npt.NDArray[np.float32] = samples @ (self._signs / np.float32(len(self._signs)))
        return mean

    def _align(self, samples: npt.NDArray[np.float32]) -> None:
        finite = np.nan_to_num(samples, nan=0.0, posinf=1.0, neginf=-1.0)
        centred = finite - finite.mean(axis=0)  # an offset that both share would hide that they are opposite
        deviations = np.sqrt((centred**2).mean(axis=0))
        loudest = int(deviations.argmax())
        if deviations[loudest] < _SILENCE:
            return
        self._sounding += 1
        products = (centred * centred[:, loudest : loudest + 1]).mean(axis=0)
        correlations = products / np.maximum(deviations * deviations[loudest], 1e-12)
        same = np.abs(correlations) > _OPPOSITE
        self._signs = np.where(same, self._signs[loudest] * np.sign(correlations), self._signs).astype(np.float32)
        self._cancelling += bool((correlations < -_OPPOSITE).any())

"""Smart Turn v3: the probability that what was said so far is a complete turn, from how it sounds.

Its input are the log-mel features of Whisper (Radford et al., 2022) over 8 s that end now: 80 Slaney mel bands, frames
of 25 ms every 10 ms, of audio scaled to zero mean and unit variance; shorter audio is padded with zeros in front.

The network is quantised to 8 bits, its input included, and sensitive: features that are wrong by 1e-4, as fp32 makes
them, round a few hundred of its 64,000 inputs the other way, and have moved its answer by 0.2. The features are
therefore computed in fp64, as its author's code does, and are the same on every processor.
"""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt

from auricle_server.ipc.messages import SAMPLE_RATE
from auricle_server.voice.onnx import Floats, Network, to_float

Doubles = npt.NDArray[np.float64]

LONGEST = 8 * SAMPLE_RATE
"""Samples that the model hears."""
_MELS, _FRAME, _HOP = 80, 400, 160
# `_FLOOR`, `_RANGE`, the last frame left out and the final scaling are those of Whisper's `log_mel_spectrogram`;
# `_VARIANCE_FLOOR` is that of transformers' `WhisperFeatureExtractor`.
_FLOOR = 1e-10
_VARIANCE_FLOOR = 1e-7
_RANGE = 8.0
"""Decades below the loudest point at which the features are cut off."""
_BREAK_HZ, _BREAK_MEL = 1000.0, 15.0
"""The Slaney scale is linear up to here, 200/3 Hz a mel, and logarithmic above, 27 mels to a factor of 6.4."""
_LOG_STEP = np.log(6.4) / 27


class SmartTurn(Network):
    """The network."""

    def judge(self, pcm: bytes) -> float:
        """Probability that the turn is complete.

        Args:
            pcm: 16-bit mono at 16 kHz from the turn's start on; only its last 8 s count.
        """
        (output,) = self.run(input_features=log_mel(to_float(pcm))[None])
        return float(output.reshape(-1)[0])


def log_mel(audio: Floats) -> Floats:
    """The features of the last 8 s.

    Args:
        audio: float32 [n], from -1 to 1.

    Returns:
        float32 [80, 800].
    """
    audio = audio[-LONGEST:]
    padding = LONGEST - len(audio)
    padded = np.zeros(LONGEST, np.float32)
    padded[padding:] = audio
    padded = (padded - padded.mean()) / np.sqrt(padded.var() + _VARIANCE_FLOOR)  # in fp32, as in Whisper's code
    centred = np.pad(padded.astype(np.float64), _FRAME // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(centred, _FRAME)[::_HOP][:-1]
    # All frames before the first sample are alike, being padding: one stands for them.
    alike = max(0, (padding - _FRAME // 2) // _HOP)
    spectrum = np.fft.rfft(frames[alike:] * _window(), axis=-1)
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    bands = np.log10(np.maximum(power @ _mel_filters(), _FLOOR))
    # Whisper's (x + 4) / 4.
    bands = np.maximum(bands, bands.max() - _RANGE) / 4 + 1
    features = np.empty((_MELS, len(frames)), np.float32)
    features[:, alike:] = bands.T
    features[:, :alike] = bands[0][:, None]
    return features


@functools.cache
def _window() -> Doubles:
    """The periodic Hann window."""
    return np.hanning(_FRAME + 1)[:-1]


@functools.cache
def _mel_filters() -> Doubles:
    """float64 [201, 80]: triangles of equal area over the bins of the spectrum."""
    bins = np.linspace(0, SAMPLE_RATE / 2, _FRAME // 2 + 1)[:, None]
    most = _BREAK_MEL + np.log(SAMPLE_RATE / 2 / _BREAK_HZ) / _LOG_STEP
    edges = _hertz(np.linspace(0.0, most, _MELS + 2))
    low, peak, high = edges[:-2], edges[1:-1], edges[2:]
    triangles = np.minimum((bins - low) / (peak - low), (high - bins) / (high - peak))
    filters: Doubles = np.maximum(triangles, 0) * 2 / (high - low)
    return filters


def _hertz(mels: Doubles) -> Doubles:
    linear = mels * (_BREAK_HZ / _BREAK_MEL)
    return np.where(mels < _BREAK_MEL, linear, _BREAK_HZ * np.exp(_LOG_STEP * (mels - _BREAK_MEL)))

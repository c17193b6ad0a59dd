"""Kokoro's vocoder in PyTorch with int8 convolutions: twice as fast on a CPU as the ONNX model as a whole.

It is the generator of iSTFTNet (Kaneko et al., 2022) as StyleTTS 2 (Li et al., 2023) uses it. Nine tenths of Kokoro's
time go into its 48 convolutions of equal width, and ONNX Runtime's integer convolution reaches a third of what the
processor can do. Here oneDNN's does them, on rows of channels; a dilated one sees every third or fifth row as a column
of its own, because oneDNN needs twice the time for a dilation.
"""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from demo_model.neural import kernels

SAMPLE_RATE = 24_000
FRAME_STEP = 16
"""Frames that a length is padded to a multiple of: every new length costs a second of set-up."""
DILATIONS = 1, 3, 5
UPSAMPLING = (10, 5), (6, 3)  # stride and padding of the two transposed convolutions
FFT, HOP = 20, 5
Weights = dict[str, NDArray[Any]]


class ByteConvolution:
    """A convolution of equal width with int8 weights, on bytes [time, channels]."""

    def __init__(self, weight: NDArray[np.float32], bias: NDArray[np.float32], dilation: int) -> None:
        self.channels, _, kernel = weight.shape
        self.dilation = dilation
        scale = np.maximum(np.abs(weight).reshape(self.channels, -1).max(1), 1e-12) / 127
        rounded = np.rint(weight / scale[:, None, None]).astype(np.int8)
        self._scale, self._zero = torch.from_numpy(scale.astype(np.float32)), torch.zeros(len(scale), dtype=torch.int32)
        self._bias = torch.from_numpy(bias.astype(np.float32))
        self._padding = [(kernel - 1) // 2, 0]
        self._weight = torch.ops.onednn.qconv_prepack(
            torch.from_numpy(rounded)[..., None].contiguous(), self._scale, 0.02, 128,
            [1, 1], self._padding, [1, 1], 1, [1, self.channels, 512, 1],
        )  # fmt: skip

    def __call__(self, x: Tensor, scale: float, zero: int) -> Tensor:
        """[time, channels] in single precision; `time` is a multiple of the dilation."""
        columns = x.view(1, -1, self.dilation, self.channels).permute(0, 3, 1, 2)
        y: Tensor = torch.ops.onednn.qconv_pointwise(
            columns, scale, zero, self._weight, self._scale, self._zero, self._bias,
            [1, 1], self._padding, [1, 1], 1, 1.0, 0, torch.float32, "none", [], "",
        )  # fmt: skip
        return y.permute(0, 2, 3, 1).reshape(len(x), self.channels)


class StyledBlock:
    """Three pairs of convolutions with adaptive instance norm and snake activations, each added to its input."""

    def __init__(self, weights: Weights, name: str, compiled: ctypes.CDLL | None) -> None:
        self._compiled = compiled
        self._layers = []
        for index, dilation in enumerate(DILATIONS):
            for half, own in ((1, dilation), (2, 1)):
                layer = f"{name}.convs{half}.{index}"
                style = f"{name}.adain{half}.{index}.fc"
                self._layers.append(
                    (
                        ByteConvolution(weights[f"{layer}.weight"], weights[f"{layer}.bias"], own),
                        weights[f"{style}.weight"],
                        weights[f"{style}.bias"],
                        np.ascontiguousarray(weights[f"{name}.alpha{half}.{index}"]),
                    )
                )

    def __call__(self, x: Tensor, rows: int, padded: int, style: NDArray[np.float32]) -> Tensor:
        """The first `rows` of x [time, channels] through the block; the rows after them hold nothing of use."""
        x, added = x.clone(), None
        for index in range(0, len(self._layers), 2):
            hidden = self._half(index, x, added, rows, padded, style)
            added = self._half(index + 1, hidden, None, rows, padded, style)
        assert added is not None
        x[:rows] += added[:rows]
        return x

    def _half(
        self, index: int, x: Tensor, added: Tensor | None, rows: int, padded: int, style: NDArray[np.float32]
    ) -> Tensor:
        convolution, weight, bias, alpha = self._layers[index]
        gain, shift = np.split(style @ weight + bias, 2)
        mean, inverse = kernels.add_and_measure(self._compiled, x, added, rows)
        scale = ((1 + gain) * inverse).astype(np.float32)
        offset = (shift - mean * scale).astype(np.float32)
        return convolution(*kernels.snake_to_bytes(self._compiled, x, rows, padded, scale, offset, alpha))


class KokoroVocoder:
    """Frames, harmonic source and style to audio at 24 kHz; `folder` is one that `kokoro_files.prepare` filled."""

    def __init__(self, folder: Path, *, compiled: bool = True) -> None:
        with np.load(folder / "vocoder.npz") as stored:
            weights = dict(stored)
        self._weights = {name: torch.from_numpy(array) for name, array in weights.items()}
        library = kernels.library(folder) if compiled else None
        self._noise = [StyledBlock(weights, f"noise_res.{index}", library) for index in range(2)]
        self._blocks = [StyledBlock(weights, f"resblocks.{index}", library) for index in range(6)]
        self._window = torch.hann_window(FFT)

    @torch.inference_mode()
    def __call__(
        self, frames: NDArray[np.float32], source: NDArray[np.float32], style: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Audio [samples] from frames [1, 512, T], source [1, T * 300 + 20] and style [1, 128]."""
        spectrum = torch.stft(
            torch.from_numpy(source), FFT, HOP, window=self._window, center=False, return_complex=True
        )
        harmonics = torch.cat([spectrum.abs(), spectrum.angle()], 1)
        x = torch.from_numpy(frames)
        count = x.shape[2]
        padded = -(-count // FRAME_STEP) * FRAME_STEP
        first = self._stage(0, x, harmonics, count * 10, padded * 10, style[0])
        second = self._stage(1, first.T[None], harmonics, count * 60 + 1, padded * 60 + 1, style[0])
        out = self._conv("conv_post", F.leaky_relu(second, 0.01).T[None], padding=3)
        magnitude, phase = out[:, : FFT // 2 + 1].exp(), out[:, FFT // 2 + 1 :].sin()
        audio = torch.istft(torch.polar(magnitude, phase), FFT, HOP, window=self._window)
        return audio[0].numpy()

    def _stage(
        self, index: int, x: Tensor, harmonics: Tensor, rows: int, padded: int, style: NDArray[np.float32]
    ) -> Tensor:
        """One upsampling: the noise of the source is added, and the mean of three blocks is the result."""
        padded = -(-padded // 15) * 15  # a multiple of every dilation
        strides = {"stride": 6, "padding": 3} if index == 0 else {}
        noise = self._conv(f"noise_convs.{index}", harmonics, **strides)[0].T.contiguous()
        stride, padding = UPSAMPLING[index]
        name = f"ups.{index}"
        raised = F.conv_transpose1d(
            F.leaky_relu(x, 0.1), self._weights[f"{name}.weight"], self._weights[f"{name}.bias"], stride, padding
        )
        if index == 1:
            raised = F.pad(raised, (1, 0), mode="reflect")
        joined = raised[0].T.contiguous() + self._noise[index](noise, rows, padded, style)
        total = self._blocks[3 * index](joined, rows, padded, style)
        for block in self._blocks[3 * index + 1 : 3 * index + 3]:
            total += block(joined, rows, padded, style)
        return total / 3

    def _conv(self, name: str, x: Tensor, **options: int) -> Tensor:
        return F.conv1d(x, self._weights[f"{name}.weight"], self._weights[f"{name}.bias"], **options)

"""Causal convolutional subsampling by eight (NeMo's `ConvSubsampling` with ``dw_striding``) over slot-resident state.

Each of the three stride-2 convolutions needs one row of its input from the previous chunk, which the slot keeps. Rows
before the start of the stream and after its end are zeroed before every convolution, exactly as an offline pass pads,
so that first, steady and last chunks have one static shape. NeMo's own streaming zeroes mel frames instead, so that at
80 ms its first encoder frames differ from its offline result by up to 7e-3. In fp32.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from auricle_server.checkpoints.config import SUBSAMPLING_FACTOR, EncoderConfig
from auricle_server.engine.frames import STAGES, UNBOUNDED
from auricle_server.engine.model.parameters import Parameters

PREFIX = "encoder.pre_encode"
FREQUENCY_PADDING = (2, 1)
"""Causal convolutions with kernel 3 and stride 2 pad two bins below and one above."""


def stage_widths(bins: int) -> tuple[int, ...]:
    """Padded frequency width of the input of each stage."""
    widths = []
    for _ in range(STAGES):
        widths.append(bins + sum(FREQUENCY_PADDING))
        bins = bins // 2 + 1
    return tuple(widths)


@dataclass(frozen=True, slots=True)
class _Stage:
    """One stride-2 convolution and the pointwise one after it (the first stage has none)."""

    weight: Tensor
    bias: Tensor
    pointwise: tuple[Tensor, Tensor] | None

    def __call__(self, rows: Tensor) -> Tensor:
        groups = rows.shape[1] if self.pointwise else 1
        out = F.conv2d(rows, self.weight, self.bias, stride=2, groups=groups)
        return F.relu(F.conv2d(out, *self.pointwise) if self.pointwise else out)


class Subsampling:
    """Mel frames to encoder frames, before the first conformer block."""

    def __init__(self, config: EncoderConfig, bins: int, parameters: Parameters) -> None:
        channels = config.conv_channels
        self._stages = [_stage(index, channels, parameters) for index in range(STAGES)]
        width = stage_widths(bins)[-1] - sum(FREQUENCY_PADDING)
        features = channels * (width // 2 + 1)
        out = parameters.exact(f"{PREFIX}.out.weight", config.d_model, features)
        self._out = parameters.outer_product(out, parameters.exact(f"{PREFIX}.out.bias", config.d_model))
        self._scale = config.d_model**0.5 if config.scale_input else 1.0

    def __call__(
        self, mel: Tensor, position: Tensor, mel_length: Tensor, carried: list[Tensor]
    ) -> tuple[Tensor, list[Tensor]]:
        """Computes one chunk per row.

        Args:
            mel: [B, 8 c, bins], from mel frame 8 * position - 7 on.
            position: First encoder frame of each row, [B].
            mel_length: Mel frames of each row's stream, or `UNBOUNDED`, [B].
            carried: Per stage, the last input row of the previous chunk, [B, channels, 1, width].

        Returns:
            Encoder inputs [B, c, d_model] and the rows to carry over.
        """
        rows, carry = mel.unsqueeze(1), []
        # Encoder frame k rests on mel frames up to 8 k (see `engine.frames`); the rows before come from the slot.
        first = SUBSAMPLING_FACTOR * (position - 1) + 1
        length = mel_length
        for stage, before in zip(self._stages, carried, strict=True):
            # Zeros at every level. Zero mel frames would not do: a convolution of zeros is its bias, not zero.
            rows = F.pad(rows * _inside(first, length, rows.shape[2]), FREQUENCY_PADDING)
            carry.append(rows[:, :, -1:])
            rows = stage(torch.cat((before, rows), 2))
            first = (first + 1) // 2
            # NeMo's `calc_length` with kernel 3, stride 2 and three rows of padding.
            length = torch.where(length == UNBOUNDED, length, length // 2 + 1)
        # [B, c, channels * bins], channels first, as NeMo's output layer expects.
        flat = rows.transpose(1, 2).flatten(2)
        return self._out(flat) * self._scale, carry


def _stage(index: int, channels: int, parameters: Parameters) -> _Stage:
    # In NeMo's `Sequential`: a convolution and ReLU, then depthwise, pointwise and ReLU, twice.
    number = (0, 2, 5)[index]
    name = f"{PREFIX}.conv.{number}"
    weight, bias = parameters.exact(f"{name}.weight", channels, 1, 3, 3), parameters.exact(f"{name}.bias", channels)
    if index == 0:
        return _Stage(weight, bias, None)
    name = f"{PREFIX}.conv.{number + 1}"
    pointwise = parameters.exact(f"{name}.weight", channels, channels, 1, 1), parameters.exact(f"{name}.bias", channels)
    return _Stage(weight, bias, pointwise)


def _inside(first: Tensor, length: Tensor, count: int) -> Tensor:
    """1 for rows of the stream, 0 before its start and after its end, [B, 1, count, 1]."""
    index = first[:, None] + torch.arange(count, device=first.device)
    return ((index >= 0) & (index < length[:, None]))[:, None, :, None]

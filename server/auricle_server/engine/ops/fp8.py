"""Values of 8 bits (e4m3: 4 of exponent, 3 of mantissa) with a scale for each row.

A scale is a power of two, so multiplying by it rounds nothing, and an e4m3 value times a scale is a bf16 value. It puts
the largest value of a row between 128 and 256, below the format's 448: every value of at least 2^-14 of the row's
largest keeps four significant bits, a relative error of 1/16 at most.
"""

from __future__ import annotations

import torch
from torch import Tensor

FORMAT = torch.float8_e4m3fn
SCALES = torch.bfloat16
"""Powers of two fit into bf16 without rounding."""
LARGEST_EXPONENT = 7
"""Of a scaled row: its largest value is 2^7 or more and less than 2^8."""
_MANTISSA_BITS = 23
EXPONENT = 0x7F800000
"""The exponent's bits of an fp32 value."""
SMALLEST = 0x0D800000
"""2^-100 as fp32: what a row of zeros, or of next to nothing, is scaled by."""
SHIFT = LARGEST_EXPONENT << _MANTISSA_BITS


def scale_of_rows(x: Tensor) -> Tensor:
    """Scales of the last dimension's rows, [..., 1], fp32: powers of two."""
    largest = x.detach().abs().amax(-1, keepdim=True).float()
    # By bits, as the kernels do it: logarithms differ between devices near powers of two.
    bits = (largest.view(torch.int32) & EXPONENT).clamp(min=SMALLEST) - SHIFT
    return bits.view(torch.float32)


def quantised(x: Tensor) -> tuple[Tensor, Tensor]:
    """Rows of the last dimension as e4m3 values [...], and their scales [..., 1], fp32."""
    scale = scale_of_rows(x)
    return (x.float() / scale).to(FORMAT), scale


def widened(values: Tensor, scale: Tensor) -> Tensor:
    """The values that `quantised` stands for, fp32."""
    return values.float() * scale.float()

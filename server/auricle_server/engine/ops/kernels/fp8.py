"""Rows of 8-bit values with a scale each; see `ops.fp8`, of which this is the arithmetic inside kernels."""

from __future__ import annotations

import torch
import triton.language as tl
from torch import Tensor

from auricle_server.engine.ops import fp8
from auricle_server.engine.ops.kernels.launch import kernel, power_of_two, warps_of

EXPONENT = tl.constexpr(fp8.EXPONENT)
SMALLEST = tl.constexpr(fp8.SMALLEST)
SHIFT = tl.constexpr(fp8.SHIFT)


@kernel
def row_scale(rows: tl.tensor) -> tl.tensor:
    """Scale of each row of a block [n, d]."""
    bits = tl.max(tl.abs(rows), 1).to(tl.int32, bitcast=True) & EXPONENT
    return (tl.maximum(bits, SMALLEST) - SHIFT).to(tl.float32, bitcast=True)


@kernel
def _quantise_rows(x: tl.tensor, values: tl.tensor, scales: tl.tensor, size: tl.constexpr, width: tl.constexpr) -> None:
    row = tl.program_id(0).to(tl.int64)
    column = tl.arange(0, width)[None, :]
    block = tl.load(x + row * size + column, column < size, 0.0).to(tl.float32)
    scale = row_scale(block)
    tl.store(values + row * size + column, (block / scale[:, None]).to(tl.float8e4nv), column < size)
    tl.store(scales + row + tl.arange(0, 1), scale)


def quantise_rows(x: Tensor) -> tuple[Tensor, Tensor]:
    """See `fp8.quantised`, for [n, d]: [n, d] and [n, 1]."""
    rows, size = x.shape
    values = torch.empty(rows, size, dtype=fp8.FORMAT, device=x.device)
    scales = torch.empty(rows, 1, dtype=torch.float32, device=x.device)
    width = power_of_two(size)
    _quantise_rows[(rows,)](x, values, scales, size=size, width=width, num_warps=warps_of(width))
    return values, scales

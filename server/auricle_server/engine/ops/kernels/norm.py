"""Layer norm of rows, alone or together with what stands before it in a block. One program a row."""

from __future__ import annotations

import torch
import triton.language as tl
from torch import Tensor

from auricle_server.engine.ops.inputs import NORM_EPS, NormWeights
from auricle_server.engine.ops.kernels.launch import kernel, power_of_two, warps_of


@kernel
def normalise(
    value: tl.tensor, weight: tl.tensor, bias: tl.tensor, channel: tl.tensor, size: tl.constexpr, eps: tl.constexpr
) -> tl.tensor:
    """The norm of one row, in fp32; `value` must be zero where `channel` is past size."""
    inside = channel < size
    # Around the mean, while the row is in registers: the mean of squares less the squared mean would cancel.
    centred = tl.where(inside, value - tl.sum(value, 0) / size, 0.0)
    scale = tl.rsqrt(tl.sum(centred * centred, 0) / size + eps)
    return centred * scale * tl.load(weight + channel, inside, 0.0) + tl.load(bias + channel, inside, 0.0)


@kernel
def _norm_rows(
    x: tl.tensor,
    update: tl.tensor,
    out_weight: tl.tensor,
    out_bias: tl.tensor,
    weight: tl.tensor,
    bias: tl.tensor,
    result: tl.tensor,
    size: tl.constexpr,
    width: tl.constexpr,
    eps: tl.constexpr,
    has_update: tl.constexpr,
    closes: tl.constexpr,
) -> None:
    channel = tl.arange(0, width)
    inside = channel < size
    at = tl.program_id(0).to(tl.int64) * size + channel
    value = tl.load(x + at, inside, 0.0).to(tl.float32)
    if has_update:
        value += tl.load(update + at, inside, 0.0).to(tl.float32)
    if closes:
        value = tl.where(inside, normalise(value, out_weight, out_bias, channel, size, eps), 0.0)
    if has_update:
        tl.store(x + at, value, inside)
    normed = normalise(value, weight, bias, channel, size, eps)
    tl.store(result + at, normed.to(result.dtype.element_ty), inside)


def norm_rows(
    x: Tensor,
    norm: NormWeights,
    dtype: torch.dtype,
    update: Tensor | None = None,
    closing: NormWeights | None = None,
) -> Tensor:
    """Adds `update` to `x`, normalises it by `closing`, both in place, and returns its norm by `norm` in `dtype`."""
    size = norm.weight.shape[0]
    width = power_of_two(size)
    first = closing or norm
    result = torch.empty(x.shape, dtype=dtype, device=x.device)
    _norm_rows[(x.numel() // size,)](
        x,
        x if update is None else update,
        first.weight,
        first.bias,
        norm.weight,
        norm.bias,
        result,
        size=size,
        width=width,
        eps=NORM_EPS,
        has_update=update is not None,
        closes=closing is not None,
        num_warps=warps_of(width),
    )
    return result

"""GLU, causal depthwise convolution, layer norm and SiLU of one row's chunk. One program a row of the batch.

A program keeps the last gated frames of its row in registers and slides over the chunk, so that each frame is read
once. Threads own channels, so that a program reads all of its history before it writes any.
"""

from __future__ import annotations

import torch
import triton.language as tl
from torch import Tensor

from auricle_server.engine.ops.inputs import NORM_EPS, CacheRows, ConvolutionWeights
from auricle_server.engine.ops.kernels.launch import kernel, power_of_two, warps_of
from auricle_server.engine.ops.kernels.norm import normalise


@kernel
def _halves(up: tl.tensor, channel: tl.tensor, size: tl.constexpr, there: tl.tensor) -> tuple[tl.tensor, tl.tensor]:
    """Values and gates of one frame."""
    inside = (channel < size) & there
    return tl.load(up + channel, inside, 0.0), tl.load(up + size + channel, inside, 0.0)


@kernel
def _none() -> tl.tensor:
    """No frames."""
    return ()


@kernel
def _joined(window: tl.tensor, frame: tl.tensor) -> tl.tensor:
    """The frames and one more."""
    return window + (frame,)  # noqa: RUF005 - the compiler knows no unpacking


@kernel
def _convolve_rows(
    up: tl.tensor,
    history: tl.tensor,
    slots: tl.tensor,
    write_slots: tl.tensor,
    weight: tl.tensor,
    bias: tl.tensor,
    norm_weight: tl.tensor,
    norm_bias: tl.tensor,
    result: tl.tensor,
    size: tl.constexpr,
    width: tl.constexpr,
    frames: tl.constexpr,
    taps: tl.constexpr,
    eps: tl.constexpr,
    has_bias: tl.constexpr,
    has_norm: tl.constexpr,
) -> None:
    row = tl.program_id(0).to(tl.int64)
    channel = tl.arange(0, width)
    inside = channel < size
    kept: tl.constexpr = (taps - 1) * size
    before = history + tl.load(slots + row) * kept + channel
    after = history + tl.load(write_slots + row) * kept + channel
    window = _none()
    for tap in tl.static_range(taps - 1):
        window = _joined(window, tl.load(before + tap * size, inside, 0.0))
    up += row * (frames * 2 * size)
    value, gate = _halves(up, channel, size, frames > 0)
    for frame in range(frames):
        gated = value.to(tl.float32) * tl.sigmoid(gate.to(tl.float32))
        # Rounded like the history, so that a frame comes out the same whether its window lies in one chunk or in two.
        window = _joined(window, gated.to(value.dtype))
        # The next frame is loaded while this one is computed.
        value, gate = _halves(up + (frame + 1) * 2 * size, channel, size, frame + 1 < frames)
        mixed = tl.zeros([width], tl.float32)
        for tap in tl.static_range(taps):
            mixed += window[tap].to(tl.float32) * tl.load(weight + tap * size + channel, inside, 0.0).to(tl.float32)
        if has_bias:
            mixed += tl.load(bias + channel, inside, 0.0).to(tl.float32)
        if has_norm:
            mixed = normalise(mixed, norm_weight, norm_bias, channel, size, eps)
        tl.store(
            result + (row * frames + frame) * size + channel,
            (mixed * tl.sigmoid(mixed)).to(result.dtype.element_ty),
            inside,
        )
        window = window[1:]
    tl.debug_barrier()
    for tap in tl.static_range(taps - 1):
        tl.store(after + tap * size, window[tap], inside)


def convolve_rows(up: Tensor, history: Tensor, rows: CacheRows, weights: ConvolutionWeights) -> Tensor:
    """See `Ops.convolve`."""
    batch, frames, double = up.shape
    size = double // 2
    width = power_of_two(size)
    weight, norm = weights.depthwise, weights.norm
    result = torch.empty(batch, frames, size, dtype=up.dtype, device=up.device)
    # A kernel needs a pointer for every argument: where there is no bias or norm, one that it does not read.
    _convolve_rows[(batch,)](
        up,
        history,
        rows.slots,
        rows.write_slots,
        weight,
        weight if weights.bias is None else weights.bias,
        weight if norm is None else norm.weight,
        weight if norm is None else norm.bias,
        result,
        size=size,
        width=width,
        frames=frames,
        taps=weight.shape[0],
        eps=NORM_EPS,
        has_bias=weights.bias is not None,
        has_norm=norm is not None,
        num_warps=warps_of(width),
    )
    return result

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from auricle_server.engine.ops import ConvolutionWeights, NormWeights, Ops
from tests.support.engine.step_inputs import ROWS, Source, assert_near

CPU = torch.device("cpu")


def textbook(gated: Tensor, before: Tensor, weight: Tensor, bias: Tensor | None, norm: NormWeights) -> Tensor:
    """PyTorch's own depthwise convolution of one stream: gated frames [c, d] after `before` [k - 1, d]."""
    span = torch.cat((before, gated)).T[None]
    out = F.conv1d(span, weight.T[:, None], bias, groups=span.shape[1])[0].T
    return F.silu(F.layer_norm(out, norm.weight.shape, norm.weight, norm.bias))


@pytest.mark.parametrize("frames", [1, 3, 14])
@pytest.mark.parametrize("biased", [True, False])
def test_portable_equals_the_textbook(portable: Ops, frames: int, biased: bool) -> None:
    source, size, taps = Source(frames, CPU), 24, 9
    rows = source.cache_rows(5, frames, 70, 70)
    up, pool = source.normal(5, frames, 2 * size), source.normal(ROWS, taps - 1, size)
    weight, bias = source.normal(taps, size), source.normal(size) if biased else None
    norm = NormWeights(source.normal(size), source.normal(size))
    before = pool.clone()
    out = portable.convolve(up, pool, rows, ConvolutionWeights(weight, bias, norm))
    touched = {0}
    for row, (slot, write_slots) in enumerate(zip(rows.slots.tolist(), rows.write_slots.tolist(), strict=True)):
        gated = F.glu(up[row])
        torch.testing.assert_close(out[row], textbook(gated, before[slot], weight, bias, norm))
        if write_slots:
            torch.testing.assert_close(pool[write_slots], torch.cat((before[slot], gated))[-taps + 1 :])
            touched.add(write_slots)
    rest = [slot for slot in range(ROWS) if slot not in touched]
    assert torch.equal(pool[rest], before[rest])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(("frames", "size", "taps"), [(1, 40, 9), (2, 160, 9), (7, 24, 9), (14, 33, 9), (3, 16, 2)])
def test_kernels_equal_portable(
    kernels: Ops, portable: Ops, frames: int, size: int, taps: int, dtype: torch.dtype
) -> None:
    from tests.support.engine.kernels import device_of_kernels

    source = Source(frames, device_of_kernels())
    rows = source.cache_rows(6, frames, 70, 70)
    up, pool = source.normal(6, frames, 2 * size, dtype=dtype), source.normal(ROWS, taps - 1, size, dtype=dtype)
    weight, norm = source.normal(taps, size, dtype=dtype) / 2, NormWeights(source.normal(size), source.normal(size))
    bias = source.normal(size, dtype=dtype)
    for biased, normed in ((None, norm), (bias, norm), (bias, None)):
        weights = ConvolutionWeights(weight, biased, normed)
        ours, theirs = pool.clone(), pool.clone()
        out = kernels.convolve(up, ours, rows, weights)
        reference = portable.convolve(up, theirs, rows, weights)
        streams = rows.slots > 0  # the others read the trash slot, which any row may have written
        assert_near(out[streams], reference[streams])
        assert_near(ours[1:], theirs[1:])


def test_a_chunk_of_frames_equals_its_frames_one_by_one(portable: Ops) -> None:
    source, size = Source(5, CPU), 12
    whole, rows = source.cache_rows(2, 6, 70, 70), source.cache_rows(2, 1, 70, 70)
    up, weight = source.normal(2, 6, 2 * size), source.normal(9, size)
    weights = ConvolutionWeights(weight, None, NormWeights(torch.ones(size), torch.zeros(size)))
    stepped = torch.zeros(ROWS, 8, size)
    together = portable.convolve(up, torch.zeros(ROWS, 8, size), whole, weights)
    for frame in range(6):
        out = portable.convolve(up[:, frame : frame + 1], stepped, rows, weights)
        torch.testing.assert_close(out[0, 0], together[0, frame])

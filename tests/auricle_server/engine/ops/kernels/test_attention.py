from __future__ import annotations

import math
from dataclasses import dataclass, replace

import pytest
import torch
from torch import Tensor

from auricle_server.engine.ops import AttentionInputs, CacheRows, Ops, fp8, portable_ops
from tests.support.engine.step_inputs import ROWS, Source, assert_near

CPU = torch.device("cpu")


@dataclass
class Attention:
    """One attention; it writes to the rings among its inputs."""

    inputs: AttentionInputs
    rows: CacheRows

    @property
    def rings(self) -> tuple[Tensor, Tensor]:
        return self.inputs.keys, self.inputs.values

    def by(self, ops: Ops) -> Tensor:
        return ops.attend(self.inputs, self.rows)

    def again(self) -> Attention:
        """The same, with rings of its own."""
        pools = {name: getattr(self.inputs, name) for name in ("keys", "values", "key_scales", "value_scales")}
        copies = {name: pool.clone() for name, pool in pools.items() if pool is not None}
        return Attention(replace(self.inputs, **copies), self.rows)

    def in_fp8(self) -> Attention:
        """The same, with rings of 8 bits."""
        keys, values = (fp8.quantised(ring) for ring in self.rings)
        scales = {"key_scales": keys[1][..., 0].to(fp8.SCALES), "value_scales": values[1][..., 0].to(fp8.SCALES)}
        return Attention(replace(self.inputs, keys=keys[0], values=values[0], **scales), self.rows)

    def widened(self) -> Attention:
        """The same, with the values for which rings of 8 bits stand."""
        given = self.inputs
        assert given.key_scales is not None, "in FP8"
        assert given.value_scales is not None, "in FP8"
        keys = fp8.widened(given.keys, given.key_scales[..., None]).to(given.qkv.dtype)
        values = fp8.widened(given.values, given.value_scales[..., None]).to(given.qkv.dtype)
        return Attention(replace(given, keys=keys, values=values, key_scales=None, value_scales=None), self.rows)


def attention(
    source: Source, frames: int, heads: int, size: int, left: int, reach: int, dtype: torch.dtype = torch.float32
) -> Attention:
    batch, spare = 6, 5  # the table of positions may be wider than it need be
    distances = left + 2 * frames - 1
    qkv = source.normal(batch, frames, 3, heads, size, dtype=dtype)
    by_position = source.normal(heads, batch * frames, distances + spare, dtype=dtype)
    bias_u, constant = source.normal(heads, size), source.normal(heads, distances + spare)
    rows = source.cache_rows(batch, frames, left, reach)
    keys, values = (source.normal(ROWS, heads, left, size, dtype=dtype) for _ in range(2))
    return Attention(AttentionInputs(qkv, by_position, keys, values, bias_u, constant), rows)


def textbook(given: Attention, row: int, query: int, head: int) -> Tensor:
    """One query, key by key."""
    frames, left, rows = given.inputs.qkv.shape[1], given.rows.left, given.rows
    position, slot = int(rows.position[row]), int(rows.slots[row])
    scores, values = [], []
    for frame in range(position - rows.reach, position + int(rows.valid[row])):
        if frame < 0:
            continue
        own = frame - position
        key = given.inputs.qkv[row, own, 1, head] if own >= 0 else given.rings[0][slot, head, frame % left]
        value = given.inputs.qkv[row, own, 2, head] if own >= 0 else given.rings[1][slot, head, frame % left]
        index = left + frames - 1 - (query - own)
        by_content = (given.inputs.qkv[row, query, 0, head] + given.inputs.bias_u[head]) @ key
        by_position = given.inputs.by_position[head, row * frames + query, index] + given.inputs.constant[head, index]
        scores.append((by_content + by_position) / math.sqrt(len(key)))
        values.append(value)
    if not scores:
        return torch.zeros_like(given.inputs.bias_u[head])
    return torch.stack(scores).softmax(0) @ torch.stack(values)


@pytest.mark.parametrize(("frames", "left", "reach"), [(1, 12, 12), (3, 12, 9), (7, 14, 14), (5, 3, 0)])
def test_portable_equals_the_textbook(portable: Ops, frames: int, left: int, reach: int) -> None:
    given = attention(Source(left, CPU), frames, 2, 8, left, reach)
    before, out = given.again(), given.by(portable).view(6, frames, 2, 8)
    for row in range(6):
        for query in range(frames):
            for head in range(2):
                expected = textbook(before, row, query, head)
                torch.testing.assert_close(out[row, query, head], expected, atol=1e-5, rtol=1e-5)


def test_what_portable_keeps_between_calls_does_not_matter(portable: Ops) -> None:
    for seed, frames in enumerate((7, 1, 3, 7)):
        given = attention(Source(seed, CPU), frames, 2, 8, 14, 14)
        assert torch.equal(given.again().by(portable), given.again().by(portable_ops()))


@pytest.mark.parametrize("frames", [1, 3, 14])
def test_the_chunk_takes_the_oldest_rows_of_its_own_ring_only(portable: Ops, frames: int) -> None:
    left = 14
    given = attention(Source(frames, CPU), frames, 2, 4, left, left)
    expected = given.again().rings
    for row, write_slots in enumerate(given.rows.write_slots.tolist()):
        for frame in range(frames):
            at = (int(given.rows.position[row]) + frame) % left
            for kind, ring in enumerate(expected):
                ring[write_slots, :, at] = given.inputs.qkv[row, frame, 1 + kind]
    given.by(portable)
    for ring, wanted in zip(given.rings, expected, strict=True):
        assert torch.equal(ring[1:], wanted[1:])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(
    ("frames", "heads", "size", "left", "reach"),
    [
        (1, 2, 128, 70, 70),
        (2, 2, 40, 70, 70),
        (7, 1, 20, 70, 70),
        (14, 1, 64, 70, 70),
        (1, 1, 16, 56, 56),
        (4, 2, 20, 56, 56),
        (14, 1, 16, 56, 56),
        (7, 1, 16, 128, 126),
        (3, 1, 16, 10, 9),
        (5, 1, 8, 3, 0),
    ],
)
def test_kernels_equal_portable(
    kernels: Ops, portable: Ops, frames: int, heads: int, size: int, left: int, reach: int, dtype: torch.dtype
) -> None:
    from tests.support.engine.kernels import device_of_kernels

    given = attention(Source(frames + left, device_of_kernels()), frames, heads, size, left, reach, dtype)
    reference = given.again()
    assert_near(given.by(kernels), reference.by(portable))
    for ours, theirs in zip(given.rings, reference.rings, strict=True):
        assert torch.equal(ours[1:], theirs[1:])


FP8_SIZES = [(1, 2, 128, 70, 70), (2, 2, 40, 70, 70), (14, 1, 64, 70, 70), (4, 2, 20, 56, 56), (5, 1, 8, 3, 0)]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(("frames", "heads", "size", "left", "reach"), FP8_SIZES)
def test_rings_in_fp8_are_read_as_what_they_stand_for_and_written_as_the_reference_does(
    kernels: Ops, portable: Ops, frames: int, heads: int, size: int, left: int, reach: int, dtype: torch.dtype
) -> None:
    from tests.support.engine.kernels import device_of_kernels

    given = attention(Source(frames + left, device_of_kernels()), frames, heads, size, left, reach, dtype).in_fp8()
    expected = given.widened().by(portable)
    reference = given.again()
    assert_near(reference.by(portable), expected)
    assert_near(given.by(kernels), expected)
    for name in ("keys", "values", "key_scales", "value_scales"):
        ours, theirs = (getattr(one.inputs, name)[1:].view(torch.uint8) for one in (given, reference))
        assert torch.equal(ours, theirs), name


@pytest.mark.parametrize(("frames", "left"), [(1, 70), (14, 70), (4, 56)])
def test_rings_in_fp8_change_the_mean_by_four_percent_at_most(portable: Ops, frames: int, left: int) -> None:
    """Rounding moves a value by 2.6 % (root of the mean square); a mean of many values by less."""
    given = attention(Source(frames + left, CPU), frames, 8, 128, left, left)
    exact = given.again().by(portable)
    found = given.in_fp8().by(portable)
    assert 0.001 < float((found - exact).norm() / exact.norm()) < 0.04


def test_what_a_query_may_not_see_does_not_matter(kernels: Ops) -> None:
    from tests.support.engine.kernels import device_of_kernels

    given = attention(Source(1, device_of_kernels()), 2, 1, 16, 20, 20)
    rows = given.rows
    rows.valid[:] = 1
    poisoned = given.again()
    for ring in poisoned.rings:
        ring[int(rows.slots[0])] = float("nan")  # the row is at its stream's start
        ring[int(rows.slots[1]), :, 3:] = float("nan")  # and this one has seen three frames
    assert torch.equal(given.by(kernels)[:2], poisoned.by(kernels)[:2])


def test_rows_that_only_pad_are_zero(kernels: Ops, portable: Ops) -> None:
    from tests.support.engine.kernels import device_of_kernels

    given = attention(Source(2, device_of_kernels()), 3, 1, 16, 20, 20)
    assert given.rows.valid[-1] == 0
    for ops in (kernels, portable):
        assert torch.equal(given.again().by(ops)[-1], torch.zeros(3, 16, device=given.inputs.qkv.device))

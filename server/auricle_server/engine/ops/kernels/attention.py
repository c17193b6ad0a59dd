"""Attention of one head over one row's ring and chunk, in place on the ring. One program a row and head.

The published models have at most 84 keys (70 frames of the ring and 14 of the chunk), which fit one pass, so there is
no online softmax. They are two blocks: the first `main_keys` rows of the ring, and a tail of the ring's other rows and
the chunk. Both are powers of two, chosen so that few of their rows are empty.
"""

from __future__ import annotations

import torch
import triton.language as tl
from torch import Tensor

from auricle_server.engine.ops.inputs import AttentionInputs, CacheRows
from auricle_server.engine.ops.kernels.fp8 import row_scale
from auricle_server.engine.ops.kernels.launch import kernel, power_of_two

SMALLEST_DOT = 16
"""Least size of each dimension of a tensor core product."""


@kernel
def _age(turn: tl.tensor, ring_row: tl.tensor, left: tl.constexpr, keys: tl.constexpr) -> tl.tensor:
    """How many frames a ring row's frame is before the newest; the multiple of left keeps the dividend positive."""
    return (turn - 1 - ring_row + (keys // left + 2) * left) % left


@kernel
def _ring_rows(
    pool: tl.tensor,
    scales: tl.tensor,
    ring: tl.tensor,
    row: tl.tensor,
    visible: tl.tensor,
    inside: tl.tensor,
    channel: tl.tensor,
    size: tl.constexpr,
    like: tl.tensor,
) -> tl.tensor:
    """Keys or values of rows of the ring whose first row is `ring`, in the type of `like`.

    The `where` changes no value. Without it the compiler copies each load to shared memory at once and waits for it
    before it issues the next load.
    """
    rows = tl.load(pool + (ring + row)[:, None] * size + channel, visible[:, None] & inside, 0.0)
    if scales is not None:
        scale = tl.load(scales + ring + row, visible, 0.0).to(tl.float32)
        rows = (rows.to(tl.float32) * scale[:, None]).to(like.dtype.element_ty)
    return tl.where(visible[:, None], rows, 0.0)


@kernel
def _old_or_own(
    pool: tl.tensor,
    scales: tl.tensor,
    ring: tl.tensor,
    row: tl.tensor,
    is_old: tl.tensor,
    inside: tl.tensor,
    channel: tl.tensor,
    size: tl.constexpr,
    chunk: tl.tensor,
    is_own: tl.tensor,
    rest: tl.constexpr,
) -> tl.tensor:
    """The tail's keys or values: from the ring where it still holds some, else from the chunk."""
    own = tl.load(chunk, is_own[:, None] & inside, 0.0)
    if rest > 0:
        own = tl.where(is_old[:, None], _ring_rows(pool, scales, ring, row, is_old, inside, channel, size, chunk), own)
    return own


@kernel
def _keep(
    pool: tl.tensor,
    scales: tl.tensor,
    at: tl.tensor,
    kept: tl.tensor,
    inside: tl.tensor,
    channel: tl.tensor,
    size: tl.constexpr,
    rows: tl.tensor,
) -> None:
    """Writes keys or values to rows of the pool."""
    if scales is not None:
        rows = rows.to(tl.float32)
        scale = row_scale(rows)
        rows = (rows / scale[:, None]).to(tl.float8e4nv)
        tl.store(scales + at, scale.to(tl.bfloat16), kept)
    tl.store(pool + at[:, None] * size + channel, rows, kept[:, None] & inside)


@kernel
def _positional(
    by_position: tl.tensor,
    constant: tl.tensor,
    row_stride: tl.tensor,
    age: tl.tensor,
    visible: tl.tensor,
    frames: tl.constexpr,
    queries: tl.constexpr,
) -> tl.tensor:
    """The part of a score that depends on the distance; `age` counts frames from a key to the newest of the ring."""
    if frames == 1:  # the results of the block's other queries are not used
        product = tl.load(by_position - age, visible, 0.0).to(tl.float32)
        product += tl.load(constant - age, visible, 0.0)
        product = tl.broadcast_to(product[None, :], (queries, age.shape[0]))
    else:
        frame = tl.arange(0, queries)[:, None]
        seen = visible[None, :] & (frame < frames)
        product = tl.load(by_position + frame * (row_stride - 1) - age[None, :], seen, 0.0).to(tl.float32)
        product += tl.load(constant - frame - age[None, :], seen, 0.0)
    return tl.where(visible[None, :], product, float("-inf"))


@kernel
def _mean(
    query: tl.tensor,
    key: tl.tensor,
    value: tl.tensor,
    bias: tl.tensor,
    tail_key: tl.tensor,
    tail_value: tl.tensor,
    tail_bias: tl.tensor,
    scale: tl.constexpr,
    precision: tl.constexpr,
) -> tl.tensor:
    """The mean of both blocks' values by the softmax of their scores; zeros for a query that sees no key."""
    main = tl.dot(query, tl.trans(key), bias, input_precision=precision) * scale
    tail = tl.dot(query, tl.trans(tail_key), tail_bias, input_precision=precision) * scale
    top = tl.maximum(tl.max(main, 1), tl.max(tail, 1))
    top = tl.maximum(top, -1e30)[:, None]  # without any key it is -inf, and -inf - -inf is NaN
    main = tl.exp(main - top)
    tail = tl.exp(tail - top)
    total = tl.maximum(tl.sum(main, 1) + tl.sum(tail, 1), 1e-30)
    out = tl.dot(main.to(value.dtype), value, input_precision=precision)
    out = tl.dot(tail.to(value.dtype), tail_value, out, input_precision=precision)
    return out / total[:, None]


@kernel
def _attend_heads(
    qkv: tl.tensor,
    by_position: tl.tensor,
    keys: tl.tensor,
    values: tl.tensor,
    bias_u: tl.tensor,
    constant: tl.tensor,
    key_scales: tl.tensor,
    value_scales: tl.tensor,
    slots: tl.tensor,
    write_slots: tl.tensor,
    position: tl.tensor,
    valid: tl.tensor,
    result: tl.tensor,
    head_stride: tl.tensor,
    row_stride: tl.tensor,
    constant_stride: tl.tensor,
    frames: tl.constexpr,
    heads: tl.constexpr,
    size: tl.constexpr,
    left: tl.constexpr,
    farthest: tl.constexpr,
    scale: tl.constexpr,
    queries: tl.constexpr,
    channels: tl.constexpr,
    main_keys: tl.constexpr,
    tail_keys: tl.constexpr,
    precision: tl.constexpr,
) -> None:
    rest: tl.constexpr = left - main_keys if left > main_keys else 0
    head, row = tl.program_id(0), tl.program_id(1).to(tl.int64)
    start = tl.load(position + row)
    # Before frame 0 there is nothing, and the ring still holds the slot's stream before this one.
    reach = tl.minimum(start, farthest).to(tl.int32)
    turn = (start % left).to(tl.int32)  # ring row of the chunk's first frame
    channel = tl.arange(0, channels)[None, :]
    inside = channel < size
    ring = (tl.load(slots + row) * heads + head) * left
    chunk = qkv + row * (frames * 3 * heads * size) + head * size + channel

    near = tl.arange(0, main_keys)
    age = _age(turn, near, left, main_keys)
    visible = (near < left) & (age < reach)
    key = _ring_rows(keys, key_scales, ring, near, visible, inside, channel, size, qkv)
    value = _ring_rows(values, value_scales, ring, near, visible, inside, channel, size, qkv)

    own = tl.arange(0, tail_keys) - rest  # frame of the chunk; negative for the ring's other rows
    tail_age = tl.where(own < 0, _age(turn, own + left, left, tail_keys), -1 - own)
    is_old = (own < 0) & (tail_age < reach)
    is_own = (own >= 0) & (own < frames)
    own_at, old = chunk + own[:, None] * (3 * heads * size), own + left
    key_at, value_at = own_at + heads * size, own_at + 2 * heads * size
    tail_key = _old_or_own(keys, key_scales, ring, old, is_old, inside, channel, size, key_at, is_own, rest)
    tail_value = _old_or_own(values, value_scales, ring, old, is_old, inside, channel, size, value_at, is_own, rest)
    tail_visible = is_old | (is_own & (own < tl.load(valid + row)))

    newest: tl.constexpr = left + frames - 2  # index of the distance between the first query and that key
    by_position += head * head_stride + row * frames * row_stride + newest
    constant += head * constant_stride + newest
    bias = _positional(by_position, constant, row_stride, age, visible, frames, queries)
    tail_bias = _positional(by_position, constant, row_stride, tail_age, tail_visible, frames, queries)
    kept_ring = (tl.load(write_slots + row) * heads + head) * left

    frame = tl.arange(0, queries)[:, None]
    asked = (frame < frames) & inside
    query = tl.load(chunk + frame * (3 * heads * size), asked, 0.0).to(tl.float32)
    query = (query + tl.load(bias_u + head * size + channel, inside, 0.0)).to(qkv.dtype.element_ty)

    # All loads are above, the query's last, because the products wait for it.
    out = _mean(query, key, value, bias, tail_key, tail_value, tail_bias, scale, precision)
    tl.store(result + ((row * frames + frame) * heads + head) * size + channel, out.to(result.dtype.element_ty), asked)

    tl.debug_barrier()  # until here other threads may read the rows that the chunk takes
    written = kept_ring + (turn + own + left) % left
    # Of a chunk longer than the ring only the last frames: two frames must not write the same row.
    kept = is_own & (own >= frames - left)
    _keep(keys, key_scales, written, kept, inside, channel, size, tail_key)
    _keep(values, value_scales, written, kept, inside, channel, size, tail_value)


def attend_heads(inputs: AttentionInputs, rows: CacheRows) -> Tensor:
    """See `Ops.attend`."""
    qkv, by_position, constant = inputs.qkv, inputs.by_position, inputs.constant
    batch, frames, _, heads, size = qkv.shape
    main, tail = key_blocks(rows.left, frames)
    result = torch.empty(batch, frames, heads * size, dtype=qkv.dtype, device=qkv.device)
    _attend_heads[(heads, batch)](
        qkv,
        by_position,
        inputs.keys,
        inputs.values,
        inputs.bias_u,
        constant,
        inputs.key_scales,
        inputs.value_scales,
        rows.slots,
        rows.write_slots,
        rows.position,
        rows.valid,
        result,
        by_position.stride(0),
        by_position.stride(1),
        constant.stride(0),
        frames=frames,
        heads=heads,
        size=size,
        left=rows.left,
        farthest=rows.reach,
        scale=size**-0.5,
        queries=power_of_two(frames, SMALLEST_DOT),
        channels=power_of_two(size, SMALLEST_DOT),
        main_keys=main,
        tail_keys=tail,
        # This setting concerns fp32 factors only. tf32x3 splits each into TF32 parts: tensor cores, close to fp32.
        precision="ieee" if qkv.dtype == torch.bfloat16 else "tf32x3",
        num_warps=_warps(inputs),
    )
    return result


def _warps(inputs: AttentionInputs) -> int:
    """Few warps leave room for several programs on a multiprocessor, as long as their registers suffice."""
    frames, dtype = inputs.qkv.shape[1], inputs.qkv.dtype
    # Compiled for sm_90, four warps over a ring in FP8 spill at seven frames, and eight take too many registers at 14.
    return 8 if dtype != torch.bfloat16 or (inputs.key_scales is not None and 4 < frames < 14) else 4


def key_blocks(left: int, frames: int) -> tuple[int, int]:
    """Sizes of the two blocks of keys: the powers of two that hold ring and chunk with the fewest empty rows."""
    # With 70 frames in the ring and 14 in the chunk: 64 and 32 rows, where a single block would have 128.
    whole = power_of_two(left, SMALLEST_DOT)
    pairs = [(main, power_of_two(max(0, left - main) + frames, SMALLEST_DOT)) for main in (whole // 2, whole)]
    return min((pair for pair in pairs if pair[0] >= SMALLEST_DOT), key=sum)

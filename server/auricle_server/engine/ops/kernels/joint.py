"""The joint's best token, its log probability and the sum for its confidence, without logits in memory.

The first pass gives each block of frames and tokens a program, which keeps its best token and two sums of its
exponentials, plain and to the power of `ALPHA`; the second combines the blocks of a frame.
"""

from __future__ import annotations

import torch
import triton.language as tl

from auricle_server.engine.ops.inputs import ALPHA, JointInputs, JointScores
from auricle_server.engine.ops.kernels.launch import ceil_div, kernel, power_of_two

LARGE_VOCABULARY = 4096
"""Vocabularies of at least this size are cut into blocks of 128 tokens, which still keep every multiprocessor busy."""
COMBINED_ROWS = 16


@kernel
def _score_blocks(
    encoded: tl.tensor,
    at: tl.tensor,
    projected: tl.tensor,
    weight: tl.tensor,
    bias: tl.tensor,
    best: tl.tensor,
    token: tl.tensor,
    total: tl.tensor,
    flat: tl.tensor,
    rows: tl.tensor,
    frames: tl.constexpr,
    window: tl.constexpr,
    size: tl.constexpr,
    tokens: tl.constexpr,
    row_block: tl.constexpr,
    token_block: tl.constexpr,
    depth: tl.constexpr,
    alpha: tl.constexpr,
    precision: tl.constexpr,
) -> None:
    row = tl.program_id(0) * row_block + tl.arange(0, row_block)
    stream = row // window
    frame = tl.load(at + stream, row < rows, frames) + row % window
    asked = frame < frames
    if tl.max(asked.to(tl.int32), 0) > 0:  # in late rounds of a search, few rows continue
        frame_at = (encoded + (stream.to(tl.int64) * frames + frame) * size)[:, None]
        stream_at = (projected + stream.to(tl.int64) * size)[:, None]
        entry = tl.program_id(1) * token_block + tl.arange(0, token_block)
        known = entry < tokens
        logits = tl.zeros([row_block, token_block], tl.float32)
        for start in range(0, size, depth):
            inner = (start + tl.arange(0, depth))[None, :]
            mask = asked[:, None] & (inner < size)
            hidden = tl.load(frame_at + inner, mask, 0.0) + tl.load(stream_at + inner, mask, 0.0)
            part = tl.load(weight + entry[:, None] * size + inner, known[:, None] & (inner < size), 0.0)
            logits = tl.dot(tl.maximum(hidden, 0.0), tl.trans(part), logits, input_precision=precision)
        logits += tl.load(bias + entry, known, 0.0)[None, :]
        logits = tl.where(known[None, :], logits, float("-inf"))
        # Between equals the lowest token wins, in every implementation: words must not depend on the device.
        top, first = tl.max(logits, 1, return_indices=True, return_indices_tie_break_left=True)
        to = tl.program_id(1) * rows + row
        tl.store(best + to, top, asked)
        tl.store(token + to, first + tl.program_id(1) * token_block, asked)
        # Relative to the block's best, so that no exponential overflows; the second pass rescales to the best of all.
        below = logits - top[:, None]
        tl.store(total + to, tl.sum(tl.exp(below), 1), asked)
        tl.store(flat + to, tl.sum(tl.exp(below * alpha), 1), asked)


@kernel
def _combine_blocks(
    at: tl.tensor,
    best: tl.tensor,
    token: tl.tensor,
    total: tl.tensor,
    flat: tl.tensor,
    label: tl.tensor,
    log_probability: tl.tensor,
    power: tl.tensor,
    rows: tl.tensor,
    blocks: tl.tensor,
    frames: tl.constexpr,
    window: tl.constexpr,
    alpha: tl.constexpr,
    row_block: tl.constexpr,
    block_width: tl.constexpr,
) -> None:
    row = tl.program_id(0) * row_block + tl.arange(0, row_block)
    asked = tl.load(at + row // window, row < rows, frames) + row % window < frames
    block = tl.arange(0, block_width)
    from_ = block[:, None] * rows + row[None, :]
    mask = (block < blocks)[:, None] & asked[None, :]
    tops = tl.load(best + from_, mask, float("-inf"))
    top = tl.where(asked, tl.max(tops, 0), 0.0)[None, :]
    candidates = tl.where(mask & (tops == top), tl.load(token + from_, mask, 0), 2147483647)
    share = tl.sum(tl.load(total + from_, mask, 0.0) * tl.exp(tops - top), 0)
    flat_share = tl.sum(tl.load(flat + from_, mask, 0.0) * tl.exp((tops - top) * alpha), 0)
    tl.store(label + row, tl.where(asked, tl.min(candidates, 0), 0), row < rows)  # the lowest of equals
    # The best token's share is 1; less than that is a row that was not scored.
    log_share = tl.log(tl.maximum(share, 1.0))
    tl.store(log_probability + row, -log_share, row < rows)
    tl.store(power + row, tl.maximum(flat_share, 1.0) * tl.exp(-alpha * log_share), row < rows)


def joint_scores(inputs: JointInputs, window: int, precision: str) -> JointScores:
    """See `Ops.joint_scores`; `precision` is that of `tl.dot`."""
    encoded, at, weight = inputs.encoded, inputs.at, inputs.weight
    batch, frames, size = encoded.shape
    rows, tokens = batch * window, weight.shape[0]
    row_block = min(64, power_of_two(rows, 16))
    token_block = 128 if tokens >= LARGE_VOCABULARY else 64
    blocks = ceil_div(tokens, token_block)
    # A few numbers for each block; with a vocabulary of 13,088 the logits would take thirty times as much.
    best, total, flat = torch.empty(3, blocks, rows, device=encoded.device)
    token = torch.empty(blocks, rows, dtype=torch.int32, device=encoded.device)
    _score_blocks[(ceil_div(rows, row_block), blocks)](
        encoded,
        at,
        inputs.projected,
        weight,
        inputs.bias,
        best,
        token,
        total,
        flat,
        rows,
        frames=frames,
        window=window,
        size=size,
        tokens=tokens,
        row_block=row_block,
        token_block=token_block,
        depth=32,
        alpha=ALPHA,
        precision=precision,
        num_warps=8 if row_block * token_block > 4096 else 4,
        num_stages=3,
    )
    scores = JointScores(
        torch.empty(batch, window, dtype=torch.int32, device=encoded.device),
        *torch.empty(2, batch, window, device=encoded.device),
    )
    _combine_blocks[(ceil_div(rows, COMBINED_ROWS),)](
        at,
        best,
        token,
        total,
        flat,
        *scores,
        rows,
        blocks,
        frames=frames,
        window=window,
        alpha=ALPHA,
        row_block=COMBINED_ROWS,
        block_width=power_of_two(blocks),
        num_warps=4 if blocks > 32 else 1,
    )
    return scores

"""Tokens that key terms favour, and the steps of their automata. Programs of rows without key terms end at once."""

from __future__ import annotations

import triton.language as tl
from torch import Tensor

from auricle_server.engine.ops.inputs import JointInputs, JointScores, KeyTermRows
from auricle_server.engine.ops.kernels.launch import kernel

ARC_BLOCK, DEPTH = 32, 64
FOLLOW_BLOCK = 128


@kernel
def _logits(
    entry: tl.tensor,
    there: tl.tensor,
    frame_at: tl.tensor,
    stream_at: tl.tensor,
    weight: tl.tensor,
    bias: tl.tensor,
    size: tl.constexpr,
    block: tl.constexpr,
    depth: tl.constexpr,
) -> tl.tensor:
    """The joint's logits of a block of tokens for one frame of one stream."""
    logits = tl.zeros([block], tl.float32)
    for start in range(0, size, depth):
        inner = start + tl.arange(0, depth)
        hidden = tl.load(frame_at + inner, inner < size, 0.0) + tl.load(stream_at + inner, inner < size, 0.0)
        mask = there[:, None] & (inner < size)[None, :]
        part = tl.load(weight + entry.to(tl.int64)[:, None] * size + inner[None, :], mask, 0.0)
        logits += tl.sum(part * tl.maximum(hidden, 0.0)[None, :], 1)
    return logits + tl.load(bias + entry, there, 0.0)


@kernel
def _best_arc(
    begin: tl.tensor,
    count: tl.tensor,
    score: tl.tensor,
    chosen: tl.tensor,
    logit: tl.tensor,
    frame_at: tl.tensor,
    stream_at: tl.tensor,
    weight: tl.tensor,
    bias: tl.tensor,
    tokens: tl.tensor,
    bonuses: tl.tensor,
    size: tl.constexpr,
    block: tl.constexpr,
    depth: tl.constexpr,
) -> tuple[tl.tensor, tl.tensor, tl.tensor]:
    """The best of a list of arcs, where it is better than the best so far: score, token and logit."""
    start = count * 0
    while start < count:
        nth = start + tl.arange(0, block)
        there = nth < count
        entry = tl.load(tokens + begin + nth, there, 0)
        value = _logits(entry, there, frame_at, stream_at, weight, bias, size, block, depth)
        scores = tl.where(there, value + tl.load(bonuses + begin + nth, there, 0.0), float("-inf"))
        top, at = tl.max(scores, 0, return_indices=True, return_indices_tie_break_left=True)
        # Triton cannot index a block by a number: the sum over a single element does.
        here = tl.arange(0, block) == at
        better = top > score
        chosen = tl.where(better, tl.sum(tl.where(here, entry, 0), 0), chosen)
        logit = tl.where(better, tl.sum(tl.where(here, value, 0.0), 0), logit)
        score = tl.where(better, top, score)
        start += block
    return score, chosen, logit


@kernel
def _favour(
    encoded: tl.tensor,
    at: tl.tensor,
    projected: tl.tensor,
    weight: tl.tensor,
    bias: tl.tensor,
    token: tl.tensor,
    log_probability: tl.tensor,
    repeats: tl.tensor,
    state: tl.tensor,
    first: tl.tensor,
    count: tl.tensor,
    root: tl.tensor,
    tokens: tl.tensor,
    bonuses: tl.tensor,
    blank: tl.tensor,
    frames: tl.constexpr,
    window: tl.constexpr,
    size: tl.constexpr,
    block: tl.constexpr,
    depth: tl.constexpr,
) -> None:
    row, step = tl.program_id(0), tl.program_id(1)
    now = tl.load(state + row)
    frame = tl.load(at + row) + step
    home = tl.load(root + now)
    found = tl.load(token + row * window + step)
    silent = found == blank
    emitted = (step == 0) & (tl.load(repeats + row) > 0)
    # Skips rows without an automaton, frames past the chunk, and blanks that no begun phrase can replace.
    if (now > 0) & (frame < frames) & ((silent == 0) | ((now != home) & (emitted == 0))):
        frame_at = encoded + (row.to(tl.int64) * frames + frame) * size
        stream_at = projected + row.to(tl.int64) * size
        one = tl.zeros([block], tl.int32)
        alone = tl.arange(0, block) == 0
        best = tl.sum(_logits(one + found, alone, frame_at, stream_at, weight, bias, size, block, depth), 0)
        score, chosen, logit = _best_arc(
            tl.load(first + now), tl.load(count + now), best, found, best,
            frame_at, stream_at, weight, bias, tokens, bonuses, size, block, depth,
        )  # fmt: skip
        # Behind a blank no phrase begins, and at the root its arcs have been tried already.
        others = tl.where(silent | (now == home), 0, tl.load(count + home))
        score, chosen, logit = _best_arc(
            tl.load(first + home), others, score, chosen, logit,
            frame_at, stream_at, weight, bias, tokens, bonuses, size, block, depth,
        )  # fmt: skip
        to = log_probability + row * window + step
        tl.store(token + row * window + step, chosen)
        tl.store(to, tl.load(to) + logit - best)


@kernel
def _target(
    begin: tl.tensor, count: tl.tensor, label: tl.tensor, tokens: tl.tensor, targets: tl.tensor, block: tl.constexpr
) -> tl.tensor:
    """State to which the arc with a token leads, 0 without such an arc."""
    # 0 can stand for none: state 0 belongs to no automaton, so no arc leads there.
    state = tl.zeros([block], tl.int32)
    start = count * 0
    while start < count:
        nth = start + tl.arange(0, block)
        match = tl.load(tokens + begin + nth, nth < count, -1) == label
        state = tl.where(match, tl.load(targets + begin + nth, match, 0), state)
        start += block
    return tl.max(state, 0)


@kernel
def _follow(
    label: tl.tensor,
    active: tl.tensor,
    state: tl.tensor,
    first: tl.tensor,
    count: tl.tensor,
    root: tl.tensor,
    tokens: tl.tensor,
    targets: tl.tensor,
    block: tl.constexpr,
) -> None:
    row = tl.program_id(0)
    now = tl.load(state + row)
    if (now > 0) & (tl.load(active + row) != 0):
        token = tl.load(label + row).to(tl.int32)
        home = tl.load(root + now)
        own = _target(tl.load(first + now), tl.load(count + now), token, tokens, targets, block)
        others = tl.where(own > 0, 0, tl.load(count + home))
        other = _target(tl.load(first + home), others, token, tokens, targets, block)
        tl.store(state + row, tl.maximum(tl.maximum(own, other), tl.where(own + other > 0, 0, home)))


def favour_arcs(inputs: JointInputs, scores: JointScores, repeats: Tensor, terms: KeyTermRows) -> None:
    """See `Ops.favour`."""
    encoded, tables = inputs.encoded, terms.tables
    batch, window = scores.token.shape
    _favour[(batch, window)](
        encoded,
        inputs.at,
        inputs.projected,
        inputs.weight,
        inputs.bias,
        scores.token,
        scores.log_probability,
        repeats,
        terms.state,
        tables.first,
        tables.count,
        tables.root,
        tables.tokens,
        tables.bonuses,
        inputs.weight.shape[0] - 1,
        frames=encoded.shape[1],
        window=window,
        size=encoded.shape[2],
        block=ARC_BLOCK,
        depth=DEPTH,
        num_warps=4,
    )


def follow_arcs(label: Tensor, active: Tensor, terms: KeyTermRows) -> None:
    """See `Ops.follow`."""
    tables = terms.tables
    _follow[(len(terms.state),)](
        label,
        active,
        terms.state,
        tables.first,
        tables.count,
        tables.root,
        tables.tokens,
        tables.targets,
        block=FOLLOW_BLOCK,
        num_warps=4,
    )

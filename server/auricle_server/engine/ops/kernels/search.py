"""One round of label looping. A single program visits all rows, so that it can also count those that continue."""

from __future__ import annotations

import triton.language as tl
from torch import Tensor

from auricle_server.engine.ops.inputs import JointScores, SearchState
from auricle_server.engine.ops.kernels.launch import ceil_div, kernel, power_of_two

MOST_ROWS_AT_ONCE = 1024


@kernel
def _first_label(
    token: tl.tensor, row: tl.tensor, inside: tl.tensor, span: tl.tensor, blank: tl.tensor, window: tl.constexpr
) -> tuple[tl.tensor, tl.tensor]:
    """Offset and token of the first label among the first `span` frames of each row; `window` without a label."""
    offset = tl.zeros_like(span) + window
    label = tl.zeros_like(span)
    # Backwards, so that the earliest label is the one that stays.
    for step in tl.static_range(window):
        back = window - 1 - step
        found = tl.load(token + row * window + back, inside, 0)
        hit = inside & (found != blank) & (back < span)
        offset = tl.where(hit, back, offset)
        label = tl.where(hit, found, label)
    return offset, label


@kernel
def _take_labels(
    token: tl.tensor,
    log_probability: tl.tensor,
    power: tl.tensor,
    last: tl.tensor,
    time: tl.tensor,
    repeats: tl.tensor,
    count: tl.tensor,
    label: tl.tensor,
    active: tl.tensor,
    pending: tl.tensor,
    tokens: tl.tensor,
    frames: tl.tensor,
    log_probabilities: tl.tensor,
    powers: tl.tensor,
    rows: tl.tensor,
    capacity: tl.tensor,
    blank: tl.tensor,
    max_symbols: tl.tensor,
    window: tl.constexpr,
    blocks: tl.constexpr,
    width: tl.constexpr,
) -> None:
    waiting = tl.zeros([width], tl.int32)
    for block in range(blocks):
        row = block * width + tl.arange(0, width)
        inside = row < rows
        at = tl.load(time + row, inside, 0)
        end = tl.load(last + row, inside, 0)
        looking = inside & (at < end)
        offset, chosen = _first_label(token, row, inside, (end - at).to(tl.int32), blank, window)
        found = offset < window
        frame = at + offset
        before = tl.load(repeats + row, inside, 0)
        again = tl.where(offset == 0, before, 0) + 1
        full = again >= max_symbols
        nth = tl.load(count + row, inside, 0)
        to, fits = nth * rows + row, found & (nth < capacity)
        tl.store(tokens + to, chosen, fits)
        tl.store(frames + to, frame.to(tl.int32), fits)
        from_ = row * window + offset
        tl.store(log_probabilities + to, tl.load(log_probability + from_, found, 0.0), fits)
        tl.store(powers + to, tl.load(power + from_, found, 0.0), fits)
        tl.store(count + row, nth + 1, found)
        tl.store(label + row, chosen.to(tl.int64), found)
        tl.store(active + row, found, inside)
        tl.store(repeats + row, tl.where(found & (full == 0), again, 0), looking)
        then = tl.where(found, frame + full.to(tl.int64), tl.minimum(at + window, end))
        tl.store(time + row, then, looking)
        waiting += (looking & (then < end)).to(tl.int32)
    tl.store(pending, tl.sum(waiting, 0))


def take_labels(scores: JointScores, last: Tensor, blank: int, max_symbols: int, search: SearchState) -> None:
    """See `Ops.take_labels`."""
    rows, window = scores.token.shape
    width = min(MOST_ROWS_AT_ONCE, power_of_two(rows))
    _take_labels[(1,)](
        *scores,
        last,
        search.time,
        search.repeats,
        search.count,
        search.label,
        search.active,
        search.pending,
        search.tokens,
        search.frames,
        search.log_probabilities,
        search.powers,
        rows,
        search.tokens.shape[0],
        blank,
        max_symbols,
        window=window,
        blocks=ceil_div(rows, width),
        width=width,
        num_warps=min(8, max(1, width // 32)),
    )

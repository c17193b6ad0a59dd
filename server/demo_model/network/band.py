"""The part of the RNNT lattice that is worth computing: a band of tokens around where CTC hears each frame.

As in "Pruned RNN-T for fast, memory-efficient ASR training" (Kuang et al., 2022), a cheap lattice says which tokens
each frame can stand at, and the joint network scores those alone. Here the cheap lattice is the CTC head's, which the
training has anyway.
"""

from __future__ import annotations

import torch
from torch import Tensor

from demo_model.network.losses import NEVER, occupation, total_score

OUTSIDE = -30.0
"""Log-probability of a token outside the band: as good as never, yet running sums of it keep their precision."""


def band_starts(ctc: Tensor, targets: Tensor, frames: Tensor, tokens: Tensor, width: int) -> Tensor:
    """First token [B, T] of each frame's band of `width` tokens, from CTC log-probabilities [B, T, V + 1].

    The bands never move back, join each frame's with the next one's, and hold the first and the last node of a path.
    """
    time = torch.arange(ctc.shape[1], device=ctc.device)
    blank = ctc[..., -1:].expand(-1, -1, targets.shape[1] + 1)
    emit = ctc.gather(-1, targets[:, None].expand(-1, ctc.shape[1], -1))
    likeliest = occupation(blank, emit, frames, tokens).argmax(-1)
    last = (tokens + 1 - width).clamp(min=0)[:, None]
    starts = torch.minimum((likeliest - width // 2).clamp(min=0), last).cummax(1).values
    starts = torch.where(time[None] >= frames[:, None] - 1, last, starts)
    reach = time * (
        width - 1
    )  # no band lies farther on than a path comes, nor so far back that the next is out of reach
    return torch.minimum((starts - reach).flip(1).cummax(1).values.flip(1) + reach, reach)


def in_band(states: Tensor, starts: Tensor, width: int) -> Tensor:
    """The states [B, U + 1, d] of each frame's band: [B, T, width, d]. Past the last one, the last one again."""
    index = _tokens_of(starts, width).clamp(max=states.shape[1] - 1)
    rows = torch.arange(len(states), device=states.device)[:, None, None]
    return states[rows, index]


def next_tokens(targets: Tensor, starts: Tensor, width: int) -> Tensor:
    """The token [B, T, width] that leads on from each node of the band; past the last one, any."""
    index = _tokens_of(starts, width).clamp(max=targets.shape[1] - 1)
    return targets[torch.arange(len(targets), device=targets.device)[:, None, None], index]


def banded_loss(blank: Tensor, emit: Tensor, starts: Tensor, frames: Tensor, tokens: Tensor, length: int) -> Tensor:
    """Negative log-likelihood [B] from the log-probabilities [B, T, width] of the blank and of each next token.

    `length` is U, the targets' padded length.
    """
    index = _tokens_of(starts, blank.shape[2])
    return -total_score(_spread(blank, index, length + 1, NEVER), _spread(emit, index, length, OUTSIDE), frames, tokens)


def _tokens_of(starts: Tensor, width: int) -> Tensor:
    return starts[..., None] + torch.arange(width, device=starts.device)


def _spread(band: Tensor, index: Tensor, length: int, outside: float) -> Tensor:
    """Values of the band in a row of all tokens; those past its end are dropped."""
    room = band.new_full((*band.shape[:2], length + band.shape[2]), outside)
    return room.scatter(-1, index, band)[..., :length]

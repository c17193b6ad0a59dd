"""RNNT loss and alignment in plain PyTorch: one loop over encoder frames, vectorised over batch and tokens.

Graves, "Sequence Transduction with Recurrent Neural Networks" (2012). Within a frame the recursion over tokens is a
running log-sum: alpha[t] = E[t] + logcumsumexp(alpha[t-1] + blank[t-1] - E[t]), E[t] the running sum of emissions.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

NEVER = -1e9


def lattice(scores: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Log-probabilities of blanks [B, T, U + 1] and of each next token [B, T, U] from scores [B, T, U + 1, V + 1]."""
    following = torch.nn.functional.pad(targets, (0, 1))[:, None].expand(-1, scores.shape[1], -1)
    blank, emit = blank_and_next(scores, following)
    return blank, emit[..., :-1]


def blank_and_next(scores: Tensor, following: Tensor) -> tuple[Tensor, Tensor]:
    """Log-probabilities of the blank and of the token `following` [...] from scores [..., V + 1]."""
    blank, emit = _BlankAndNext.apply(scores, following)  # type: ignore[no-untyped-call]
    return blank, emit


class _BlankAndNext(torch.autograd.Function):
    """Log-softmax of which two entries are kept, with its gradient in one buffer: autograd's own makes many copies."""

    @staticmethod
    def forward(ctx: Any, scores: Tensor, following: Tensor) -> tuple[Tensor, Tensor]:
        logs = scores.log_softmax(-1, dtype=torch.float32)
        wanted = following[..., None]
        ctx.save_for_backward(logs, wanted)
        ctx.dtype = scores.dtype
        return logs[..., -1].clone(), logs.gather(-1, wanted)[..., 0]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        logs, wanted = ctx.saved_tensors
        on_blank, on_emit = gradients
        gradient = logs.exp().mul_(-(on_blank + on_emit)[..., None])
        gradient[..., -1] += on_blank
        gradient.scatter_add_(-1, wanted, on_emit[..., None])
        return gradient.to(ctx.dtype), None


def forward_variables(blank: Tensor, emit: Tensor) -> Tensor:
    """Alpha [B, T, U + 1]: log-probability of having emitted u tokens at frame t."""
    running = torch.nn.functional.pad(emit.cumsum(-1), (1, 0))
    alpha = [running[:, 0]]
    for frame in range(1, blank.shape[1]):
        arrived = alpha[-1] + blank[:, frame - 1]
        alpha.append(running[:, frame] + torch.logcumsumexp(arrived - running[:, frame], -1))
    return torch.stack(alpha, 1)


def _restrict(emit: Tensor, tokens: Tensor) -> Tensor:
    """Forbids tokens past a target's end. Frames past a stream's end need no mask: their results are not read."""
    token = torch.arange(emit.shape[2], device=emit.device)[None, None]
    return emit.masked_fill(token >= tokens[:, None, None], NEVER)


def _flip(x: Tensor, sizes: Tensor, axis: int) -> Tensor:
    """Reverse the first `sizes[b]` entries of each row along `axis`; the others stay where they are."""
    index = torch.arange(x.shape[axis], device=x.device)[None]
    index = torch.where(index < sizes[:, None], sizes[:, None] - 1 - index, index)
    shape = [len(x)] + [1] * (x.dim() - 1)
    shape[axis] = x.shape[axis]
    return x.gather(axis, index.view(shape).expand_as(x))


class _Rnnt(torch.autograd.Function):
    """Total log-probability with its analytic gradient: the occupation of every lattice arc."""

    @staticmethod
    def forward(ctx: Any, blank: Tensor, emit: Tensor, frames: Tensor, tokens: Tensor) -> Tensor:
        emit = _restrict(emit, tokens)
        alpha, beta = _both_variables(blank, emit, frames, tokens)
        total = beta[:, 0, 0]
        ctx.save_for_backward(blank, emit, alpha, beta, total, frames, tokens)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None, None]:
        blank, emit, alpha, beta, total, frames, tokens = ctx.saved_tensors
        rows = torch.arange(len(blank), device=blank.device)
        after = torch.cat([beta[:, 1:], torch.full_like(beta[:, :1], NEVER)], 1)
        after[rows, frames - 1] = NEVER
        after[rows, frames - 1, tokens] = 0.0
        valid = _nodes(blank, frames, tokens)
        weight = gradients[0][:, None, None]
        on_blank = (alpha + blank + after - total[:, None, None]).masked_fill(~valid, NEVER).exp()
        on_emit = (
            (alpha[..., :-1] + emit + beta[..., 1:] - total[:, None, None]).masked_fill(~valid[..., 1:], NEVER).exp()
        )
        return on_blank * weight, on_emit * weight, None, None


def _both_variables(blank: Tensor, emit: Tensor, frames: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
    """Alpha, and beta: the log-probability [B, T, U + 1] of the rest of a path from each node."""
    reverse_blank = _flip(_flip(blank, frames, 1), tokens + 1, 2)
    reverse_emit = _flip(_flip(emit, frames, 1), tokens, 2)
    # A path leaves the last node by the last blank: backwards, it enters by it. Both directions run in one loop.
    first = reverse_blank[:, 0, :1]
    shifted = torch.cat([reverse_blank[:, 1:], torch.zeros_like(blank[:, :1])], 1)
    both = forward_variables(torch.cat([blank, shifted]), torch.cat([emit, reverse_emit]))
    alpha, backward = both.chunk(2)
    return alpha, _flip(_flip(backward + first[:, None], frames, 1), tokens + 1, 2)


def _nodes(blank: Tensor, frames: Tensor, tokens: Tensor) -> Tensor:
    """The nodes [B, T, U + 1] within each stream."""
    inside = torch.arange(blank.shape[1], device=blank.device)[None, :, None] < frames[:, None, None]
    return inside & (torch.arange(blank.shape[2], device=blank.device)[None, None] <= tokens[:, None, None])


def total_score(blank: Tensor, emit: Tensor, frames: Tensor, tokens: Tensor) -> Tensor:
    """Log-likelihood [B] from the log-probabilities of blanks [B, T, U + 1] and of each next token [B, T, U]."""
    total: Tensor = _Rnnt.apply(blank, emit, frames, tokens)  # type: ignore[no-untyped-call]
    return total


@torch.no_grad()
def occupation(blank: Tensor, emit: Tensor, frames: Tensor, tokens: Tensor) -> Tensor:
    """Log-probability [B, T, U + 1] that a path goes through each node, but for a constant of each stream."""
    alpha, beta = _both_variables(blank, _restrict(emit, tokens), frames, tokens)
    return (alpha + beta).masked_fill(~_nodes(blank, frames, tokens), NEVER)


def rnnt_loss(scores: Tensor, targets: Tensor, frames: Tensor, tokens: Tensor) -> Tensor:
    """Negative log-likelihood [B] of targets [B, U] given scores [B, T, U + 1, V + 1] with the blank last."""
    blank, emit = lattice(scores, targets)
    return -total_score(blank, emit, frames, tokens)


def rnnt_alignment(scores: Tensor, target: Tensor) -> list[int]:
    """Encoder frame of every token on the most likely path; one stream: scores [T, U + 1, V + 1], target [U]."""
    blank, emit = (x[0] for x in lattice(scores[None].float(), target[None]))
    frames, count = blank.shape
    best = torch.full((frames, count), NEVER)
    emitted = torch.zeros(frames, count, dtype=torch.bool)
    for frame in range(frames):
        for token in range(count):
            stay = best[frame - 1, token] + blank[frame - 1, token] if frame else torch.tensor(NEVER)
            move = best[frame, token - 1] + emit[frame, token - 1] if token else torch.tensor(NEVER)
            start = torch.tensor(0.0 if frame == token == 0 else NEVER)
            best[frame, token] = torch.stack([stay, move, start]).max()
            emitted[frame, token] = bool(token) and bool(move >= stay)
    path, frame, token = [], frames - 1, count - 1
    while token > 0:
        if emitted[frame, token]:
            path.append(frame)
            token -= 1
        else:
            frame -= 1
    return path[::-1]

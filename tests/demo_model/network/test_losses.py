"""The RNNT loss against a sum over every path of the lattice, its gradient, and the most likely path."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import partial

import pytest
import torch
from torch import Tensor

from demo_model.network.losses import rnnt_alignment, rnnt_loss

Batch = tuple[Tensor, Tensor, Tensor, Tensor]


def paths(frames: int, tokens: int) -> Iterator[tuple[int, ...]]:
    """Every way to spread `tokens` over `frames`: the frame of each token, in order."""
    return itertools.combinations_with_replacement(range(frames), tokens)


def path_log_probability(scores: Tensor, target: list[int], at: tuple[int, ...]) -> Tensor:
    logs, total, said = scores.log_softmax(-1), torch.zeros(()), 0
    for frame in range(len(scores)):
        while said < len(target) and at[said] == frame:
            total = total + logs[frame, said, target[said]]
            said += 1
        total = total + logs[frame, said, -1]
    return total


def likelihood(scores: Tensor, target: list[int], at: tuple[int, ...]) -> float:
    return float(path_log_probability(scores, target, at))


def brute_force(scores: Tensor, target: list[int]) -> Tensor:
    return -torch.logsumexp(
        torch.stack([path_log_probability(scores, target, at) for at in paths(len(scores), len(target))]), 0
    )


@pytest.fixture
def batch() -> Batch:
    generator = torch.Generator().manual_seed(3)
    scores = torch.randn(4, 6, 5, 8, generator=generator, dtype=torch.float32).mul(2).requires_grad_()
    targets = torch.randint(0, 7, (4, 4), generator=generator)
    return scores, targets, torch.tensor([6, 4, 5, 1]), torch.tensor([4, 2, 0, 3])


def test_loss_is_the_sum_over_all_paths(batch: Batch) -> None:
    scores, targets, frames, tokens = batch
    wanted = [
        brute_force(scores[row, : frames[row], : tokens[row] + 1], targets[row, : tokens[row]].tolist())
        for row in range(4)
    ]
    torch.testing.assert_close(rnnt_loss(scores, targets, frames, tokens), torch.stack(wanted), rtol=1e-5, atol=1e-5)


def test_gradient_is_that_of_the_sum_over_all_paths(batch: Batch) -> None:
    scores, targets, frames, tokens = batch
    (ours,) = torch.autograd.grad(rnnt_loss(scores, targets, frames, tokens).sum(), scores)
    rows = [
        brute_force(scores[row, : frames[row], : tokens[row] + 1], targets[row, : tokens[row]].tolist())
        for row in range(4)
    ]
    (wanted,) = torch.autograd.grad(torch.stack(rows).sum(), scores)
    torch.testing.assert_close(ours, wanted, rtol=1e-4, atol=1e-5)


def test_padding_has_neither_weight_nor_gradient(batch: Batch) -> None:
    scores, targets, frames, tokens = batch
    changed = scores.detach().clone()
    changed[1, 4:] = 50.0
    changed[1, :, 3:] = -50.0
    changed.requires_grad_()
    loss = rnnt_loss(changed, targets, frames, tokens)
    torch.testing.assert_close(loss[1], rnnt_loss(scores, targets, frames, tokens)[1])
    (gradient,) = torch.autograd.grad(loss.sum(), changed)
    assert gradient[1, 4:].abs().max() == 0
    assert gradient[1, :, 3:].abs().max() == 0
    assert bool(gradient.isfinite().all())


def test_alignment_is_the_most_likely_path(batch: Batch) -> None:
    scores, targets, _, _ = batch
    for row in range(4):
        target = targets[row].tolist()
        best = max(paths(6, 4), key=partial(likelihood, scores[row].detach(), target))
        assert rnnt_alignment(scores[row].detach(), targets[row]) == list(best)

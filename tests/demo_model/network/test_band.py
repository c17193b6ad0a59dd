"""The banded RNNT loss against the whole lattice, and against a sum over every path that stays in the band."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from demo_model.network.band import band_starts, banded_loss, in_band, next_tokens
from demo_model.network.losses import blank_and_next, rnnt_loss
from tests.demo_model.network.test_losses import path_log_probability, paths

FRAMES, TOKENS = torch.tensor([7, 4, 5, 1]), torch.tensor([6, 2, 0, 3])


@pytest.fixture
def scores() -> Tensor:
    """[B, T, U + 1, V + 1]."""
    return torch.randn(4, 7, 7, 9, generator=torch.Generator().manual_seed(3)).mul(2).requires_grad_()


@pytest.fixture
def targets() -> Tensor:
    return torch.randint(0, 8, (4, 6), generator=torch.Generator().manual_seed(4))


def banded(scores: Tensor, targets: Tensor, starts: Tensor, width: int) -> Tensor:
    index = (starts[..., None] + torch.arange(width)).clamp(max=scores.shape[2] - 1)
    near = scores.gather(2, index[..., None].expand(*index.shape, scores.shape[-1]))
    blank, emit = blank_and_next(near, next_tokens(targets, starts, width))
    return banded_loss(blank, emit, starts, FRAMES, TOKENS, targets.shape[1])


def test_a_band_of_all_tokens_is_the_whole_lattice(scores: Tensor, targets: Tensor) -> None:
    ours = banded(scores, targets, torch.zeros(4, 7, dtype=torch.long), 7)
    whole = rnnt_loss(scores, targets, FRAMES, TOKENS)
    torch.testing.assert_close(ours, whole, rtol=1e-5, atol=1e-5)
    for mine, wanted in zip(*(torch.autograd.grad(loss.sum(), scores) for loss in (ours, whole)), strict=True):
        torch.testing.assert_close(mine, wanted, rtol=1e-4, atol=1e-5)


def test_a_narrow_band_sums_the_paths_within_it(scores: Tensor, targets: Tensor) -> None:
    starts, width = torch.tensor([[0, 1, 1, 2, 3, 3, 4]]).expand(4, -1), 3
    target = targets[0].tolist()

    def stays(at: tuple[int, ...]) -> bool:
        before = [sum(spoken < frame for spoken in at) for frame in range(7)]
        after = [sum(spoken <= frame for spoken in at) for frame in range(7)]
        low = starts[0].tolist()
        return all(low[t] <= before[t] and after[t] < low[t] + width for t in range(7))

    inside = [path_log_probability(scores[0], target, at) for at in paths(7, 6) if stays(at)]
    assert inside
    ours = banded(scores, targets, starts, width)[0]
    wanted = -torch.logsumexp(torch.stack(inside), 0)
    torch.testing.assert_close(ours, wanted, rtol=1e-5, atol=1e-5)
    (mine,) = torch.autograd.grad(ours, scores)
    (whole,) = torch.autograd.grad(wanted, scores)
    torch.testing.assert_close(mine[0], whole[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("width", [2, 3, 10])
@pytest.mark.parametrize("seed", range(20))
def test_a_path_from_the_first_node_to_the_last_fits_every_band(width: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    frames = torch.randint(8, 31, (5,), generator=generator)
    tokens = torch.minimum(torch.randint(0, 25, (5,), generator=generator), (frames - 1) * (width - 1))
    targets = torch.randint(0, 8, (5, 25), generator=generator)
    ctc = torch.randn(5, 30, 9, generator=generator).mul(8).log_softmax(-1)
    starts = band_starts(ctc, targets, frames, tokens, width)
    assert bool((starts[:, 0] == 0).all())
    for row in range(5):
        own = starts[row, : frames[row]]
        assert bool((own.diff() >= 0).all())
        assert bool((own.diff() <= width - 1).all())
        assert int(own[-1]) <= int(tokens[row]) < int(own[-1]) + width


def test_the_band_follows_what_ctc_hears() -> None:
    targets, heard = torch.arange(12)[None], torch.full((30,), 12)
    heard[torch.arange(12) * 2 + 4] = torch.arange(12)
    ctc = torch.nn.functional.one_hot(heard, 13).float().mul(20).log_softmax(-1)[None]
    starts = band_starts(ctc, targets, torch.tensor([30]), torch.tensor([12]), 4)[0]
    said = (heard != 12).cumsum(0)
    assert bool(((starts <= said) & (said < starts + 4)).all())


def test_states_of_the_band_are_those_of_its_tokens() -> None:
    states = torch.arange(5.0)[None, :, None].expand(2, -1, 3)
    near = in_band(states, torch.tensor([[0, 2], [1, 4]]), 3)
    assert near.shape == (2, 2, 3, 3)
    assert near[..., 0].tolist() == [[[0, 1, 2], [2, 3, 4]], [[1, 2, 3], [4, 4, 4]]]

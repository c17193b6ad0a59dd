from __future__ import annotations

from dataclasses import fields

import pytest
import torch
from torch import Tensor

from auricle_server.engine.ops import JointScores, Ops, SearchState
from tests.support.engine.step_inputs import Source, copied

CPU = torch.device("cpu")
BLANK = 4


def assert_equal(ours: SearchState, theirs: SearchState) -> None:
    for field in fields(SearchState):
        left, right = getattr(ours, field.name), getattr(theirs, field.name)
        assert left.dtype == right.dtype, field.name
        assert torch.equal(left, right), field.name


def emissions(search: SearchState, row: int) -> list[tuple[int, int]]:
    count = int(search.count[row])
    return list(zip(search.frames[:count, row].tolist(), search.tokens[:count, row].tolist(), strict=True))


def window_of(script: Tensor, search: SearchState, window: int) -> Tensor:
    """What the joint would say: token `script[row, frame, n]` for the n-th label of the frame."""
    batch, frames, _ = script.shape
    frame = (search.time[:, None] + torch.arange(window, device=script.device)).clamp(max=frames - 1)
    nth = torch.where(frame == search.time[:, None], search.repeats[:, None], 0)
    return script[torch.arange(batch, device=script.device)[:, None], frame, nth.clamp(max=script.shape[2] - 1)]


def run(ops: Ops, script: Tensor, search: SearchState, last: Tensor, window: int, max_symbols: int) -> int:
    rounds = 0
    while rounds == 0 or search.pending.item() > 0:
        token = window_of(script, search, window).int().contiguous()
        ops.take_labels(JointScores(token, -token.float(), token.float()), last, BLANK, max_symbols, search)
        rounds += 1
    return rounds


def textbook(script: Tensor, row: int, first: int, last: int, max_symbols: int) -> list[tuple[int, int]]:
    """One frame, one symbol at a time."""
    found = []
    for frame in range(first, last):
        for nth in range(max_symbols):
            token = int(script[row, frame, min(nth, script.shape[2] - 1)])
            if token == BLANK:
                break
            found.append((frame, token))
    return found


@pytest.mark.parametrize(("window", "frames", "max_symbols"), [(1, 4, 3), (2, 7, 2), (7, 7, 1), (14, 14, 5)])
@pytest.mark.parametrize("triton", [False, True])
def test_a_whole_search_equals_the_textbook(
    kernels: Ops, portable: Ops, triton: bool, window: int, frames: int, max_symbols: int
) -> None:
    from tests.support.engine.kernels import device_of_kernels

    source = Source(frames + max_symbols, device_of_kernels())
    batch = 9
    script = source.integers(0, BLANK + 3, batch, frames, max_symbols + 1).clamp(max=BLANK)
    search, last = source.search(batch, frames * max_symbols, frames)
    first = search.time.tolist()
    rounds = run(kernels if triton else portable, script, search, last, window, max_symbols)
    for row in range(batch):
        assert emissions(search, row) == textbook(script, row, first[row], int(last[row]), max_symbols)
    assert torch.equal(search.time, torch.maximum(last, torch.tensor(first, device=last.device)))
    assert rounds <= frames * (max_symbols + 1)
    assert not search.active.any() or max_symbols == 1


@pytest.mark.parametrize(("batch", "window"), [(1, 1), (5, 3), (33, 14), (1500, 2)])
def test_each_round_of_the_kernel_equals_portable(kernels: Ops, portable: Ops, batch: int, window: int) -> None:
    from tests.support.engine.kernels import device_of_kernels

    source, frames, max_symbols = Source(batch, device_of_kernels()), 14, 3
    theirs, last = source.search(batch, frames * max_symbols, frames)
    ours = copied(theirs)
    for _ in range(4):
        token = source.integers(0, BLANK + 6, batch, window, dtype=torch.int32).clamp(max=BLANK)
        scores = JointScores(token, source.normal(batch, window), source.normal(batch, window))
        for ops, search in ((kernels, ours), (portable, theirs)):
            ops.take_labels(scores, last, BLANK, max_symbols, search)
        assert_equal(ours, theirs)


def test_scores_go_with_their_labels(portable: Ops) -> None:
    search, _ = Source(0, CPU).search(2, 3, 3)
    search.time[:] = 0
    token, log_probability = torch.tensor([[BLANK, 2], [3, 1]], dtype=torch.int32), torch.tensor([[-1.0, -2], [-3, -4]])
    scores = JointScores(token, log_probability, 1 - log_probability)
    portable.take_labels(scores, torch.tensor([3, 3]), BLANK, 10, search)
    assert search.log_probabilities[0].tolist() == [-2.0, -3.0]
    assert search.powers[0].tolist() == [3.0, 4.0]
    assert search.label.tolist() == [2, 3]
    assert search.time.tolist() == [1, 0]
    assert search.pending.item() == 2

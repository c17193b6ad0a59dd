from __future__ import annotations

import pytest
import torch
from torch import Tensor

from auricle_server.engine.ops import Ops
from tests.support.engine.step_inputs import Source, assert_near

CPU = torch.device("cpu")


def lstm_input(source: Source, batch: int, size: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    active = source.integers(0, 2, batch).bool()
    return source.normal(batch, 4 * size) * 3, source.normal(batch, size), source.normal(batch, size), active


def test_the_cell_equals_that_of_pytorch(portable: Ops) -> None:
    gates, hidden, cell, active = lstm_input(Source(1, CPU), 7, 5)
    lstm = torch.nn.LSTMCell(5, 5)
    zeros = torch.zeros(7, 20)
    expected_hidden, expected_cell = torch.zeros(7, 5), torch.zeros(7, 5)
    with torch.no_grad():
        for parameter in lstm.parameters():
            parameter.zero_()
        for row in range(7):
            lstm.bias_ih.copy_(gates[row])
            one = slice(row, row + 1)
            expected_hidden[one], expected_cell[one] = lstm(zeros[one, :5], (hidden[one], cell[one]))
    before = hidden.clone(), cell.clone()
    assert portable.advance_cell(gates, hidden, cell, active) is hidden
    torch.testing.assert_close(hidden, torch.where(active[:, None], expected_hidden, before[0]))
    torch.testing.assert_close(cell, torch.where(active[:, None], expected_cell, before[1]))


@pytest.mark.parametrize(("batch", "size"), [(1, 8), (6, 40), (3, 640), (2, 1100)])
def test_kernels_of_the_cell_equal_portable(kernels: Ops, portable: Ops, batch: int, size: int) -> None:
    from tests.support.engine.kernels import device_of_kernels

    gates, hidden, cell, active = lstm_input(Source(size, device_of_kernels()), batch, size)
    ours, theirs = (hidden.clone(), cell.clone()), (hidden.clone(), cell.clone())
    assert kernels.advance_cell(gates, *ours, active) is ours[0]
    portable.advance_cell(gates, *theirs, active)
    for left, right in zip(ours, theirs, strict=True):
        assert_near(left, right)
        assert torch.equal(left[~active], right[~active])
    new, held, kept = gates[:, :size], hidden.clone(), hidden.clone()
    kernels.hold(new, held, active)
    portable.hold(new, kept, active)
    assert torch.equal(held, kept)

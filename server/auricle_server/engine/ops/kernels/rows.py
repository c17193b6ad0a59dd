"""Element by element: the cell of an LSTM, and copies of the active rows."""

from __future__ import annotations

import triton.language as tl
from torch import Tensor

from auricle_server.engine.ops.kernels.launch import ceil_div, kernel, power_of_two

MOST_COLUMNS = 1024


@kernel
def _advance_cells(
    gates: tl.tensor,
    hidden: tl.tensor,
    cell: tl.tensor,
    active: tl.tensor,
    hidden_stride: tl.tensor,
    cell_stride: tl.tensor,
    size: tl.constexpr,
    width: tl.constexpr,
) -> None:
    row = tl.program_id(0).to(tl.int64)
    column = tl.program_id(1) * width + tl.arange(0, width)
    # Rows without a new label neither load nor store: their state stays.
    mask = (column < size) & (tl.load(active + row) != 0)
    at = gates + row * (4 * size) + column
    admitted = tl.sigmoid(tl.load(at, mask, 0.0))
    kept = tl.sigmoid(tl.load(at + size, mask, 0.0))
    candidate = _tanh(tl.load(at + 2 * size, mask, 0.0))
    shown = tl.sigmoid(tl.load(at + 3 * size, mask, 0.0))
    new = kept * tl.load(cell + row * cell_stride + column, mask, 0.0) + admitted * candidate
    tl.store(cell + row * cell_stride + column, new, mask)
    tl.store(hidden + row * hidden_stride + column, shown * _tanh(new), mask)


@kernel
def _tanh(x: tl.tensor) -> tl.tensor:
    """By the logistic function; absolute error of a few units in the last place of 1."""
    return 2.0 * tl.sigmoid(2.0 * x) - 1.0


@kernel
def _hold_rows(
    new: tl.tensor,
    old: tl.tensor,
    active: tl.tensor,
    new_stride: tl.tensor,
    old_stride: tl.tensor,
    size: tl.constexpr,
    width: tl.constexpr,
) -> None:
    row = tl.program_id(0).to(tl.int64)
    column = tl.program_id(1) * width + tl.arange(0, width)
    mask = (column < size) & (tl.load(active + row) != 0)
    value = tl.load(new + row * new_stride + column, mask, 0.0)
    tl.store(old + row * old_stride + column, value, mask)


def advance_cells(gates: Tensor, hidden: Tensor, cell: Tensor, active: Tensor) -> Tensor:
    """See `Ops.advance_cell`."""
    rows, size = cell.shape
    width = min(MOST_COLUMNS, power_of_two(size))
    _advance_cells[(rows, ceil_div(size, width))](
        gates,
        hidden,
        cell,
        active,
        hidden.stride(0),
        cell.stride(0),
        size=size,
        width=width,
        num_warps=4,
    )
    return hidden


def hold_rows(new: Tensor, old: Tensor, active: Tensor) -> None:
    """See `Ops.hold`."""
    rows, size = old.shape
    width = min(MOST_COLUMNS, power_of_two(size))
    _hold_rows[(rows, ceil_div(size, width))](
        new, old, active, new.stride(0), old.stride(0), size=size, width=width, num_warps=4
    )

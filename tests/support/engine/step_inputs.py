"""Random input of the engine's operations: pools, places and searches."""

from __future__ import annotations

from dataclasses import fields

import torch
from torch import Tensor

from auricle_server.engine.ops import CacheRows, SearchState

ROWS = 7
"""Rows of the pools, the trash slot included."""


class Source:
    """Random tensors on one device, the same for the same seed."""

    def __init__(self, seed: int, device: torch.device) -> None:
        self._generator = torch.Generator().manual_seed(seed)
        self.device = device

    def normal(self, *shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
        """Normally distributed."""
        return torch.randn(shape, generator=self._generator).to(self.device, dtype)

    def integers(self, low: int, high: int, *shape: int, dtype: torch.dtype = torch.int64) -> Tensor:
        """Uniform, `high` excluded."""
        return torch.randint(low, high, shape, generator=self._generator).to(self.device, dtype)

    def cache_rows(self, batch: int, frames: int, left: int, reach: int) -> CacheRows:
        """Streams in every phase: at their start, before and after the ring's first turn; the last rows only pad."""
        slots = torch.randperm(ROWS - 1, generator=self._generator)[:batch] + 1
        position = torch.tensor([0, 3, left - 1, left, 5 * left + 11, 1, 2])[:batch]
        valid = torch.randint(1, frames + 1, (batch,), generator=self._generator)
        write_slots = slots.clone()
        write_slots[1::2] = 0  # computed on a copy: nothing of it may stay
        if batch > 2:
            slots[-2:], write_slots[-2:], valid[-2:], position[-2:] = 0, 0, 0, 0
        slots, write_slots, position, valid = (
            column.to(self.device) for column in (slots, write_slots, position, valid)
        )
        return CacheRows(slots, write_slots, position, valid, reach, left)

    def search(self, batch: int, capacity: int, frames: int) -> tuple[SearchState, Tensor]:
        """A search at its start, rows without a frame among them, and one past each row's last frame."""
        first = self.integers(0, frames, batch)
        last = (first + self.integers(0, frames + 1, batch)).clamp(max=frames)
        search = SearchState(
            time=first,
            repeats=self._zeros(batch),
            count=self._zeros(batch),
            label=self._zeros(batch).long(),
            active=self._zeros(batch).bool(),
            pending=self._zeros(1) - 1,
            tokens=self._zeros(capacity, batch),
            frames=self._zeros(capacity, batch),
            log_probabilities=self._zeros(capacity, batch).float(),
            powers=self._zeros(capacity, batch).float(),
        )
        return search, last

    def _zeros(self, *shape: int) -> Tensor:
        return torch.zeros(shape, dtype=torch.int32, device=self.device)


def copied(search: SearchState) -> SearchState:
    """The same, with tensors of its own."""
    return SearchState(**{field.name: getattr(search, field.name).clone() for field in fields(search)})


def assert_near(kernel: Tensor, reference: Tensor) -> None:
    """Equal but for rounding.

    fp32: 1e-5 interpreted; 1e-4 on a GPU, whose exponentials are approximate and whose products of fp32 are made of
    three of TF32. bf16: the reference keeps softmax weights in fp32 where the kernel rounds them, and a result may
    round to the neighbour: 2 % of the value or of 1.
    """
    assert kernel.dtype == reference.dtype
    exact = 1e-4 if kernel.is_cuda else 1e-5
    tolerance = exact if kernel.dtype == torch.float32 else 2e-2
    torch.testing.assert_close(kernel, reference, atol=tolerance, rtol=tolerance)

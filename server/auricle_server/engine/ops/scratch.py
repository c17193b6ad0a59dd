"""Memory for large intermediate results on a CPU."""

from __future__ import annotations

import math

import torch
from torch import Tensor


class Scratch:
    """Keeps its memory between calls.

    The C library takes large blocks from the system and gives them back at once, and touching fresh pages costs more
    than the arithmetic on them. On a GPU PyTorch's own allocator does better: there every call takes new memory.
    """

    def __init__(self) -> None:
        self._kept: dict[str, Tensor] = {}

    def take(self, name: str, shape: tuple[int, ...], device: torch.device) -> Tensor:
        """Uninitialised fp32 memory, good until the next call with that name."""
        if device.type != "cpu":
            return torch.empty(shape, device=device)
        kept = self._kept.get(name)
        if kept is None or kept.shape != shape:
            self._kept[name] = kept = self._fitting(kept, shape)
        return kept

    def _fitting(self, kept: Tensor | None, shape: tuple[int, ...]) -> Tensor:
        """A view of the memory that is there, or new memory."""
        size = math.prod(shape)
        if kept is not None and kept.untyped_storage().nbytes() >= size * kept.element_size():
            return kept.as_strided((size,), (1,)).view(shape)
        return torch.empty(shape)

"""Several arrays that are copied between host and device in one transfer."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

_ALIGNMENT = 256
"""Bytes; PyTorch's CUDA allocator aligns tensors at least so far, and kernels may rely on it."""


class PinnedBuffers:
    """One block of bytes in pinned host memory and its copy on the device, viewed as named arrays.

    Args:
        device: Where the copy is.
        fields: Shape and type of every array.
    """

    def __init__(self, device: torch.device, fields: Mapping[str, tuple[tuple[int, ...], torch.dtype]]) -> None:
        self._spans: dict[str, tuple[slice, torch.dtype, tuple[int, ...]]] = {}
        end = 0
        for name, (shape, dtype) in fields.items():
            size = prod(shape) * dtype.itemsize
            self._spans[name] = slice(end, end + size), dtype, shape
            end += -(-size // _ALIGNMENT) * _ALIGNMENT
        # Pinned: CUDA copies pageable memory through a buffer of its own, and the host waits for that.
        self._host = torch.zeros(end, dtype=torch.uint8, pin_memory=device.type == "cuda")
        self._device = torch.zeros(end, dtype=torch.uint8, device=device)

    def on_host(self, name: str) -> npt.NDArray[np.generic]:
        """An array in host memory."""
        return self._view(self._host, name).numpy()

    def on_device(self, name: str) -> Tensor:
        """The same array on the device."""
        return self._view(self._device, name)

    def _view(self, block: Tensor, name: str) -> Tensor:
        span, dtype, shape = self._spans[name]
        return block[span].view(dtype).view(shape)

    def send(self) -> None:
        """Copies host to device, in stream order."""
        self._device.copy_(self._host, non_blocking=True)

    def fetch(self) -> None:
        """Copies device to host, in stream order."""
        self._host.copy_(self._device, non_blocking=True)

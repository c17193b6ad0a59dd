"""Reads a model's parameters by NeMo's names and says which are missing or misshapen."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from auricle_server.checkpoints.errors import BadCheckpoint


class Parameters:
    """A checkpoint's tensors on one device.

    Args:
        weights: fp32 tensors by name.
        device: Where to put them.
        dtype: Precision of matrix products; parameters that stay in fp32 are asked for with `exact`.
    """

    def __init__(self, weights: Mapping[str, Tensor], device: torch.device, dtype: torch.dtype) -> None:
        self._weights = weights
        self.device = device
        self.dtype = dtype

    def exact(self, name: str, *shape: int) -> Tensor:
        """Parameter `name` in fp32, of the given shape; a copy, for the checkpoint's may lie in a file that changes."""
        try:
            value = self._weights[name]
        except KeyError:
            raise BadCheckpoint(f"the checkpoint's weights have no {name}") from None
        if shape and tuple(value.shape) != shape:
            raise BadCheckpoint(f"{name} has shape {tuple(value.shape)}, the configuration says {shape}")
        return value.to(self.device, torch.float32, copy=True).contiguous()

    def matrix(self, name: str, rows: int, columns: int) -> Tensor:
        """Weight of a linear layer, [rows, columns], in the precision of matrix products.

        A 1 x 1 convolution is a linear layer whose weight has a trailing dimension.
        """
        value = self._weights.get(name)
        if value is not None and value.dim() == 3 and value.shape[-1] == 1:
            return self.exact(name, rows, columns, 1).squeeze(-1).to(self.dtype)
        return self.exact(name, rows, columns).to(self.dtype)

    def bias(self, name: str, size: int) -> Tensor | None:
        """Bias `name`, [size], or None where the model has none (``use_bias: false``)."""
        return self.exact(name, size).to(self.dtype) if name in self._weights else None

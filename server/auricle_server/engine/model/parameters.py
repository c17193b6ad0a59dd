"""Reads a model's parameters by NeMo's names and reports missing ones and wrong shapes."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from auricle_server.checkpoints.errors import BadCheckpoint
from auricle_server.engine.model.linear import PackedLinear
from auricle_server.engine.weight_formats import WeightFormat

LARGEST = 1e6
"""Largest parameter on either side of zero. Those of trained models are below 1e3; squares of sums of products of much
larger ones overflow."""


class Parameters:
    """A checkpoint's tensors on one device.

    Args:
        weights: fp32 tensors by name.
        device: Where to put them.
        dtype: Precision of matrix products; `exact` reads the parameters that stay in fp32.
        weight_format: Format of the weights of matrix products in memory.
    """

    def __init__(
        self,
        weights: Mapping[str, Tensor],
        device: torch.device,
        dtype: torch.dtype,
        weight_format: WeightFormat = WeightFormat.FLOAT32,
    ) -> None:
        self._weights = weights
        self._format = weight_format
        self.device = device
        self.dtype = dtype

    def exact(self, name: str, *shape: int) -> Tensor:
        """Parameter `name` in fp32, of the given shape; a copy, because the checkpoint's may be mapped from a file."""
        return _checked(name, self._stored(name, *shape).to(self.device, torch.float32, copy=True)).contiguous()

    def _stored(self, name: str, *shape: int) -> Tensor:
        try:
            value = self._weights[name]
        except KeyError:
            raise BadCheckpoint(f"the checkpoint's weights have no {name}; the file is incomplete") from None
        if shape and tuple(value.shape) != shape:
            raise BadCheckpoint(f"{name} has shape {tuple(value.shape)}, the configuration says {shape}")
        return value

    def matrix(self, name: str, rows: int, columns: int) -> Tensor:
        """Weight of a linear layer, [rows, columns], in the precision of matrix products.

        A 1 x 1 convolution is a linear layer whose weight has a trailing dimension. Where it need not be converted it
        is the checkpoint's own, for `PackedLinear`, which makes a copy in any case: do not keep it, nor change it.
        """
        value = self._weights.get(name)
        if value is not None and value.dim() == 3 and value.shape[-1] == 1:
            return _checked(name, self._stored(name, rows, columns, 1).squeeze(-1).to(self.device, self.dtype))
        return _checked(name, self._stored(name, rows, columns).to(self.device, self.dtype))

    def bias(self, name: str, size: int) -> Tensor | None:
        """Bias `name`, [size], or None where the model has none (``use_bias: false``)."""
        return self.exact(name, size).to(self.dtype) if name in self._weights else None

    def linear(self, name: str, size_in: int, size_out: int, scale: float = 1.0) -> PackedLinear:
        """Linear layer `name` of the encoder, or a 1 x 1 convolution over channels-last input, times `scale`."""
        bias = self.bias(f"{name}.bias", size_out)
        return self.product(
            self.matrix(f"{name}.weight", size_out, size_in), None if bias is None else bias * scale, scale
        )

    def product(self, weight: Tensor, bias: Tensor | None = None, scale: float = 1.0) -> PackedLinear:
        """The product with a weight of the encoder; see `PackedLinear`."""
        return PackedLinear(weight, bias, scale, self._format)

    def outer_product(self, weight: Tensor, bias: Tensor | None = None) -> PackedLinear:
        """The product with a weight outside the encoder's blocks: these are few, and decide about words directly."""
        return PackedLinear(weight, bias, weights=self._format.outside_encoder)


def _checked(name: str, value: Tensor) -> Tensor:
    """The parameter, unless it makes every step of every stream NaN: then no word comes, and no error either."""
    if value.numel():
        # One pass, which NaN survives.
        least, most = (float(each) for each in torch.aminmax(value))
        if not -LARGEST <= least <= most <= LARGEST:
            raise BadCheckpoint(
                f"{name} has values from {least:g} to {most:g}, with which nothing can be computed; the checkpoint is "
                f"damaged"
            )
    return value

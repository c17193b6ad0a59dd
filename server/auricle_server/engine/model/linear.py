"""Matrix products with parameters, in the layout that the device multiplies fastest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from auricle_server.engine.model.fbgemm_products import Fp16Product, Int8Product
from auricle_server.engine.ops.fp8_product import Fp8Product
from auricle_server.engine.weight_formats import WeightFormat

ROWS_HINT = 64
"""Number of rows for which oneDNN chooses the layout. Its layout for a single row is slow for all other row counts."""
_PLAIN = "none", (), ""
"""No operation is fused to the product: activation, its scalars, its algorithm."""

_PRODUCTS = {WeightFormat.FP16: Fp16Product, WeightFormat.INT8: Int8Product, WeightFormat.FP8: Fp8Product}


class PackedLinear:
    """``x @ (scale * weight).T + bias``.

    On a CPU fp32 weights are kept in oneDNN's blocked layout. PyTorch's own product reorders them in every call,
    which takes longer than the product itself for the few rows of a step. These operators are those of torch's
    compiler (`torch.ops.mkldnn`); where they are missing, the plain product is used.

    Args:
        weight: [size_out, size_in]; copied, so it may be mapped from a file.
        bias: [size_out], or None.
        scale: Factor of the weight.
        weights: Format of the weight in memory; fp16 and int8 are for an fp32 weight on a CPU.
    """

    def __init__(
        self,
        weight: Tensor,
        bias: Tensor | None = None,
        scale: float = 1.0,
        weights: WeightFormat = WeightFormat.FLOAT32,
    ) -> None:
        self._multiply: Callable[[Tensor], Tensor]
        if weights is WeightFormat.FP8 and not Fp8Product.fits(weight):
            weights = WeightFormat.FLOAT32
        if weights is not WeightFormat.FLOAT32:
            product = _PRODUCTS[weights]
            self._multiply = product(weight if scale == 1.0 else weight * scale, bias)
            return
        self._bias = bias
        packed = _packed(weight)
        if packed is not None and scale != 1.0:
            # In place: a scaled copy of each weight would be freed between the packed ones, which stay, and the C
            # library keeps such gaps. They took 750 MB of a model of 2.4 GB.
            packed.mul_(scale)
        self._weight = weight * scale if packed is None else packed
        self._multiply = self._plain if packed is None else self._blocked

    def __call__(self, x: Tensor) -> Tensor:
        """[..., size_in] to [..., size_out]."""
        return self._multiply(x)

    def _plain(self, x: Tensor) -> Tensor:
        return F.linear(x, self._weight, self._bias)

    def _blocked(self, x: Tensor) -> Tensor:
        out: Tensor = torch.ops.mkldnn._linear_pointwise(x, self._weight, self._bias, *_PLAIN)  # noqa: SLF001 - see above
        return out


def _packed(weight: Tensor) -> Any:
    """The weight in oneDNN's layout; None where that is not available."""
    there = all(hasattr(torch.ops.mkldnn, name) for name in ("_reorder_linear_weight", "_linear_pointwise"))
    if weight.device.type != "cpu" or weight.dtype != torch.float32 or not there:
        return None
    return torch.ops.mkldnn._reorder_linear_weight(weight.contiguous(), ROWS_HINT)  # noqa: SLF001 - see `PackedLinear`

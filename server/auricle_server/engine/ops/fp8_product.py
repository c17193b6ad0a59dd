"""Matrix products in FP8: weights with a scale for each output, activations with one for each row.

Hopper's tensor cores multiply FP8 twice as fast as bf16 and sum in fp32. A row's scale is its own, so no stream's
result depends on who shares its batch.
"""

from __future__ import annotations

import torch
from torch import Tensor

from auricle_server.engine.ops import fp8

HOPPER = (9, 0)
"""The compute capability from which on the products exist with scales for rows and columns."""
MULTIPLE = 16
"""Both sizes of a weight are multiples of this, or its product cannot be in FP8."""


class Fp8Product:
    """``x @ weight.T + bias``; on a CPU with the same rounding of both factors, for tests.

    Args:
        weight: [size_out, size_in]; copied. Rounded from what it is, so fp32 weights are rounded once.
        bias: [size_out], or None.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        self._bias = bias
        self._weight, scale = fp8.quantised(weight)
        self._scale = scale.T.contiguous()  # [1, size_out]

    @staticmethod
    def fits(weight: Tensor) -> bool:
        """Whether a weight's sizes allow its product."""
        return all(size % MULTIPLE == 0 for size in weight.shape)

    def __call__(self, x: Tensor) -> Tensor:
        """[..., size_in] to [..., size_out], in the precision of x, bf16 or fp32."""
        rows = x.reshape(-1, x.shape[-1])
        out = self._on_tensor_cores(rows) if x.is_cuda else self._reference(rows)
        if self._bias is not None:
            out = out + self._bias
        return out.view(*x.shape[:-1], -1)

    def _on_tensor_cores(self, rows: Tensor) -> Tensor:
        from auricle_server.engine.ops.kernels.fp8 import quantise_rows

        return scaled_product(*quantise_rows(rows), self._weight, self._scale)

    def _reference(self, rows: Tensor) -> Tensor:
        widened = fp8.widened(*fp8.quantised(rows))
        return (widened @ fp8.widened(self._weight, self._scale.T).T).to(rows.dtype)


def scaled_product(values: Tensor, scales: Tensor, weight: Tensor, weight_scales: Tensor) -> Tensor:
    """The product of two factors in FP8, [n, size_out], bf16.

    Args:
        values: [n, size_in], FP8.
        scales: Of its rows, [n, 1], fp32.
        weight: [size_out, size_in], FP8.
        weight_scales: Of its rows, [1, size_out], fp32.
    """
    out: Tensor = torch._scaled_mm(values, weight.T, scales, weight_scales, out_dtype=torch.bfloat16)  # noqa: SLF001 - its only name
    return out

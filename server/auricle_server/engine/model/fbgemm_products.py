"""Matrix products with fp16 or int8 weights on a CPU, by FBGEMM, which PyTorch has on x86.

Packed weights are opaque to PyTorch and hold the only copy. A row's result does not depend on the other rows. What goes
into an int8 product does, in its last bits, and now and then these decide how a value is rounded.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from threading import Lock
from typing import Any

import torch
from torch import Tensor

LEVELS = 127
"""Levels of 8 bits on each side of zero."""
_ACTIVATION_LEVELS = 255
_TINY = 1e-20
"""Least divisor of a row, for rows of one value."""


def weight_levels() -> int:
    """Levels on each side of zero to which weights are rounded.

    Without VNNI two products are summed in 16 bits, which 8 bits on both sides would overflow: 7 bits then. Activations
    keep 8, because their rows have outliers.
    """
    return LEVELS if torch.cpu._is_vnni_supported() else LEVELS // 2  # noqa: SLF001 - no public name


class Fp16Product:
    """``x @ weight.T + bias`` with weights rounded to fp16, in fp32 otherwise.

    Args:
        weight: [size_out, size_in], fp32; copied.
        bias: [size_out], or None.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        with _packing:
            self._packed = torch.ops.quantized.linear_prepack_fp16(weight.contiguous(), bias)

    def __call__(self, x: Tensor) -> Tensor:
        """[..., size_in], fp32, to [..., size_out]."""
        out: Tensor = torch.ops.quantized.linear_dynamic_fp16(x, self._packed)
        return out


class Int8Product:
    """``x @ weight.T + bias`` in integers: weights in 8 bits with a factor per output, each row of x with its own.

    PyTorch's dynamic product takes one factor for the whole tensor, with which a loud stream would change the words of
    the others in its batch. Here each row is moved and scaled to [0, 1] before the product and back after it. It is
    moved because a row after SiLU is hardly ever negative: half of the levels would be lost on it.

    Args:
        weight: [size_out, size_in], fp32; copied.
        bias: [size_out], or None.
        levels: Levels of a weight on each side of zero; None takes what the processor can sum.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None, levels: int | None = None) -> None:
        self._bias = bias
        self._packed, self._sums = _packed_int8(weight, levels or weight_levels())
        self._multiply: Callable[..., Tensor] = torch.ops.quantized.linear_with_input_q_dq_qweight_dq_output_fp32

    def __call__(self, x: Tensor) -> Tensor:
        """[..., size_in], fp32, to [..., size_out]."""
        least = x.amin(-1, True)
        span = x.amax(-1, True).sub_(least).clamp_min_(_TINY)
        out = self._multiply((x - least).div_(span), 1 / _ACTIVATION_LEVELS, 0, self._packed)
        out = out.mul_(span).addcmul_(least, self._sums)
        return out if self._bias is None else out.add_(self._bias)


def _packed_int8(weight: Tensor, levels: int) -> tuple[Any, Tensor]:
    """The weight [size_out, size_in], rounded and packed, and the sum of each of its rounded rows."""
    scale = weight.abs().amax(1).clamp_min_(_TINY) / levels
    rounded = (weight / scale[:, None]).round_().to(torch.int8)
    with _packing, warnings.catch_warnings():
        # Quantized tensors are to leave PyTorch; they are the only way to these products, and are gone once packed.
        warnings.simplefilter("ignore", UserWarning)
        zero = torch.zeros(len(scale), dtype=torch.long)
        quantized = torch._make_per_channel_quantized_tensor(rounded, scale.double(), zero, 0)  # noqa: SLF001 - see above
        return torch.ops.quantized.linear_prepack(quantized, None), rounded.sum(1) * scale


class _Packing:
    """Context in which PyTorch packs for FBGEMM. The setting is the whole process's, and threads may pack at once."""

    def __init__(self) -> None:
        self._lock, self._inside, self._before = Lock(), 0, ""

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._before, torch.backends.quantized.engine = torch.backends.quantized.engine, "fbgemm"
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                torch.backends.quantized.engine = self._before


_packing = _Packing()

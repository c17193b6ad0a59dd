"""In which format a CPU keeps the weights of matrix products, and which one suits a model.

A step of few rows reads every weight once and does little with it, so memory decides how long it takes: half the bytes
are half the time. Activations and sums stay fp32 (fp16 weights) or are integers with a factor per row (int8).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from auricle_server import dtypes

if TYPE_CHECKING:
    import torch

LARGE = 50_000_000
"""Parameters from which on ``auto`` takes fp16 weights: the weights of smaller models stay in a processor's cache."""


class WeightFormat(StrEnum):
    """Format of the weights in memory.

    Attributes:
        FLOAT32: As in the checkpoint, and the path that equals NeMo.
        FP16: Rounded to fp16 and widened in registers; products and sums are fp32.
        INT8: Encoder weights rounded to 8 bits (7 without VNNI), with a factor for each output; each row of an
            activation is rounded to 8 bits with a factor of its own, so that a loud stream does not coarsen those that
            share its batch. All other products have fp16 weights.
        FP8: On a GPU from Hopper on: encoder weights and activations in 8-bit floats, with a factor for each output and
            each row. An experiment without a name for users, not run on a GPU yet (docs/gpu.md).
    """

    FLOAT32 = dtypes.FLOAT32
    FP16 = dtypes.FP16_WEIGHTS
    INT8 = dtypes.INT8
    FP8 = "fp8"

    @property
    def outside_encoder(self) -> WeightFormat:
        """Format of the joint's, the prediction network's and the other few products."""
        inside_only = {WeightFormat.INT8: WeightFormat.FP16, WeightFormat.FP8: WeightFormat.FLOAT32}
        return inside_only.get(self, self)

    @property
    def bytes_per_weight(self) -> int:
        """Bytes that a weight takes; the factors of int8 are not counted."""
        return {WeightFormat.FLOAT32: 4, WeightFormat.FP16: 2, WeightFormat.INT8: 1, WeightFormat.FP8: 1}[self]


class UnsupportedDtype(ValueError):
    """The device, or this build of PyTorch, cannot compute in the precision that was asked for."""


@dataclass(frozen=True, slots=True)
class Dtypes:
    """What a name of `dtypes.DTYPES` means to the engine.

    Attributes:
        dtype: Precision of activations and state; None takes what suits the device.
        weights: Format of a CPU's weights; None takes what suits the model.
    """

    dtype: torch.dtype | None = None
    weights: WeightFormat | None = None


def parse_dtype(name: str) -> Dtypes:
    """The meaning of a name of `dtypes.DTYPES`.

    Raises:
        ValueError: There is no such name.
    """
    import torch

    if name not in dtypes.DTYPES:
        raise ValueError(f"dtype: {name!r} is none of {', '.join(dtypes.DTYPES)}")
    if name == dtypes.AUTO:
        return Dtypes()
    if name == dtypes.BFLOAT16:
        return Dtypes(torch.bfloat16, WeightFormat.FLOAT32)
    return Dtypes(torch.float32, WeightFormat(name))


def default_format(parameters: int, dtype: torch.dtype, device: torch.device) -> WeightFormat:
    """The format that ``auto`` takes for a model of so many parameters."""
    import torch

    suits = device.type == "cpu" and dtype == torch.float32 and parameters >= LARGE
    return WeightFormat.FP16 if suits and has_fbgemm() else WeightFormat.FLOAT32


def check_format(weights: WeightFormat, dtype: torch.dtype, device: torch.device) -> None:
    """Checks that products can have weights of this format.

    Raises:
        UnsupportedDtype: The device is no CPU, or PyTorch was built without FBGEMM, which has these products.
    """
    import torch

    if weights is WeightFormat.FLOAT32:
        return
    if weights is WeightFormat.FP8:
        _check_fp8(dtype, device)
        return
    if device.type != "cpu":
        raise UnsupportedDtype(f"dtype {weights} is for CPUs; on {device} take bfloat16 or float32")
    if dtype != torch.float32:
        raise UnsupportedDtype(f"dtype {weights} computes in float32, not in {dtype}")
    if not has_fbgemm():
        raise UnsupportedDtype(
            f"dtype {weights} needs FBGEMM, which this PyTorch has not: it is there on x86 with AVX2; take float32"
        )


def _check_fp8(dtype: torch.dtype, device: torch.device) -> None:
    import torch

    from auricle_server.engine.ops.fp8_product import HOPPER

    if dtype != torch.bfloat16:
        raise UnsupportedDtype(f"FP8 products have bfloat16 results, not {dtype}")
    # A CPU computes what they would be, for tests.
    if device.type == "cuda" and torch.cuda.get_device_capability(device) < HOPPER:
        name = torch.cuda.get_device_name(device)
        raise UnsupportedDtype(f"FP8 products need compute capability 9.0 (H100, H200), which {name} has not")


def has_fbgemm() -> bool:
    """Whether PyTorch was built with FBGEMM and the processor has what it needs."""
    import torch

    return "fbgemm" in torch.backends.quantized.supported_engines

"""The operations of a step that are more than a matrix product, in plain PyTorch and as Triton kernels.

`portable_ops` runs on any device and is the reference; `triton_ops` needs an NVIDIA GPU. Neither library is loaded
before one of them is called.
"""

from __future__ import annotations

from auricle_server.engine.ops.inputs import (
    AttentionInputs,
    CacheRows,
    ConvolutionWeights,
    JointInputs,
    JointScores,
    KeyTermRows,
    KeyTermTables,
    NormWeights,
    SearchState,
)
from auricle_server.engine.ops.interface import Ops

__all__ = [
    "AttentionInputs",
    "CacheRows",
    "ConvolutionWeights",
    "JointInputs",
    "JointScores",
    "KeyTermRows",
    "KeyTermTables",
    "NormWeights",
    "Ops",
    "SearchState",
    "portable_ops",
    "triton_ops",
]


def portable_ops() -> Ops:
    """The operations in plain PyTorch, for any device."""
    from auricle_server.engine.ops.torch_ops import TorchOps

    return TorchOps()


def triton_ops(precision: str = "ieee") -> Ops:
    """The operations as Triton kernels, for CUDA tensors.

    Args:
        precision: Of the joint's products: ``"ieee"`` for fp32, ``"tf32"`` for tensor cores with fp32 accumulation.
    """
    from auricle_server.engine.ops.triton_ops import TritonOps

    return TritonOps(precision)

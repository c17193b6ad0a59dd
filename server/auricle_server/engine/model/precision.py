"""Which fp32 matrix products may round their factors to TF32. A setting of torch for the whole process.

A CUDA graph keeps the setting that was in force when it was captured.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

EXACT, FAST = "highest", "high"


def allow_tf32(allowed: bool) -> None:
    """Allows or forbids fp32 products and convolutions on tensor cores, with factors of 10 bits of mantissa."""
    torch.set_float32_matmul_precision(FAST if allowed else EXACT)
    torch.backends.cudnn.allow_tf32 = allowed


@contextmanager
def exact_products() -> Iterator[None]:
    """Context in which products are in full fp32, whatever is allowed outside."""
    before = torch.get_float32_matmul_precision()
    if before == EXACT:
        yield
        return
    torch.set_float32_matmul_precision(EXACT)
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)

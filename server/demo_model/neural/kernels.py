"""The element-wise work of Kokoro's vocoder in C, compiled on first use; without a compiler, the same in PyTorch.

Between two convolutions lie a normalisation over time, a sine per value, and rounding to bytes. In PyTorch these are a
dozen passes over memory and take as long as the convolutions; in C they are two.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

SOURCE = Path(__file__).with_name("kernels.c")
EPSILON = 1e-5
Channels = NDArray[np.float32]


@cache
def library(folder: Path) -> ctypes.CDLL | None:
    """The compiled kernels, built into `folder`; None where there is no C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    built = folder / "kernels.so"
    if not built.is_file() or built.stat().st_mtime < SOURCE.stat().st_mtime:
        part = folder / f"kernels.{os.getpid()}.part"
        options = ["-O3", "-march=native", "-ffast-math", "-shared", "-fPIC"]
        subprocess.run([compiler, *options, str(SOURCE), "-o", str(part), "-lm"], check=True)
        part.replace(built)
    loaded = ctypes.CDLL(str(built))
    pointer = ctypes.c_void_p
    loaded.add_and_measure.argtypes = [pointer, pointer, ctypes.c_long, ctypes.c_int, pointer, pointer]
    loaded.snake_to_bytes.argtypes = [pointer, ctypes.c_long, ctypes.c_long, ctypes.c_int, *[pointer] * 6]
    return loaded


def add_and_measure(
    compiled: ctypes.CDLL | None, x: Tensor, other: Tensor | None, rows: int
) -> tuple[Channels, Channels]:
    """Add `other` to the first `rows` of x [time, channels] in place; then their mean and 1 / deviation by channel."""
    if compiled is None:
        if other is not None:
            x[:rows] += other[:rows]
        variance, mean = torch.var_mean(x[:rows].double(), 0, correction=0)
        return mean.float().numpy(), (variance + EPSILON).rsqrt().float().numpy()
    mean_out, inverse = np.empty(x.shape[1], np.float32), np.empty(x.shape[1], np.float32)
    address = None if other is None else other.data_ptr()
    compiled.add_and_measure(x.data_ptr(), address, rows, x.shape[1], mean_out.ctypes.data, inverse.ctypes.data)
    return mean_out, inverse


def snake_to_bytes(
    compiled: ctypes.CDLL | None, x: Tensor, rows: int, padded: int, scale: Channels, shift: Channels, alpha: Channels
) -> tuple[Tensor, float, int]:
    """The snake activation of scale * x + shift, as bytes [padded, channels] with their scale and zero point.

    ``snake(y) = y + sin(alpha * y)**2 / alpha`` (Ziyin, Hartwig and Ueda, 2020). Rows past `rows` are zero.
    """
    if compiled is None:
        y = x[:rows] * torch.from_numpy(scale) + torch.from_numpy(shift)
        y += torch.sin(y * torch.from_numpy(alpha)).square() / torch.from_numpy(alpha)
        low, high = min(0.0, float(y.min())), max(0.0, float(y.max()))
        step = max((high - low) / 255, 1e-12)
        zero = round(-low / step)
        bytes_out = torch.full((padded, x.shape[1]), zero, dtype=torch.uint8)
        bytes_out[:rows] = (y / step).round_().add_(zero).clamp_(0, 255).to(torch.uint8)
        return bytes_out, step, zero
    out, found = torch.empty(padded, x.shape[1], dtype=torch.uint8), np.empty(2, np.float32)
    reciprocal = (1 / alpha).astype(np.float32)
    compiled.snake_to_bytes(
        x.data_ptr(), rows, padded, x.shape[1], scale.ctypes.data, shift.ctypes.data, alpha.ctypes.data,
        reciprocal.ctypes.data, out.data_ptr(), found.ctypes.data,
    )  # fmt: skip
    return out, float(found[0]), int(found[1])

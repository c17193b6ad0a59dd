"""What all kernels share: the decorator, with types, and sizes of blocks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import triton


class Kernel(Protocol):
    """A compiled function: `kernel[grid](...)` launches it, kernels may call each other."""

    def __getitem__(self, grid: tuple[int, ...]) -> Callable[..., Any]:
        """Launches over a grid of programs."""
        ...

    def __call__(self, *args: Any) -> Any:
        """Only from inside another kernel."""
        ...


def kernel(function: Callable[..., Any]) -> Kernel:
    """`triton.jit`, typed."""
    compiled: Kernel = triton.jit(function)
    return compiled


def ceil_div(size: int, block: int) -> int:
    """Blocks that cover `size`."""
    return -(-size // block)


def power_of_two(size: int, least: int = 1) -> int:
    """The smallest power of two that is at least `size` and `least`."""
    return max(least, 1 << (size - 1).bit_length())


def warps_of(block: int) -> int:
    """Warps for a program over one row of `block` elements: eight elements a thread, at most eight warps."""
    return min(8, max(1, block // 256))

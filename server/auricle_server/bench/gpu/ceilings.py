"""Measures what a device does at most: a large copy, and large matrix products."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

from auricle_server.bench.gpu.arithmetic import Ceilings
from auricle_server.engine.model.precision import allow_tf32

ROUNDS = 7
COPY_BYTES = {"cuda": 4 << 30, "cpu": 64 << 20}
"""Many times the caches."""
PRODUCT_SIZE = {"cuda": 8192, "cpu": 512}
"""Rows and columns of both factors."""
HOPPER = (9, 0)
"""The compute capability from which on tensor cores multiply FP8."""


def measured_ceilings(device: torch.device) -> Ceilings:
    """The best of a few rounds each, on random values: zeros are faster and mean nothing."""
    kind = device.type
    bandwidth = _bandwidth(device)
    size = PRODUCT_SIZE[kind]
    left, right = (torch.randn(size, size, device=device) for _ in range(2))
    flops = 2.0 * size**3
    before = torch.get_float32_matmul_precision()
    allow_tf32(True)
    exact = flops / _seconds(lambda: left @ right, device)
    allow_tf32(before != "highest")
    if kind == "cpu":  # as the engine computes there
        return Ceilings(bandwidth, exact, exact)
    half = [factor.bfloat16() for factor in (left, right)]
    return Ceilings(bandwidth, flops / _seconds(lambda: half[0] @ half[1], device), exact, _fp8(left, right, device))


def _bandwidth(device: torch.device) -> float:
    source = torch.empty(COPY_BYTES[device.type], dtype=torch.uint8, device=device).random_()
    target = torch.empty_like(source)
    return 2 * len(source) / _seconds(lambda: target.copy_(source), device)


def _fp8(left: torch.Tensor, right: torch.Tensor, device: torch.device) -> float | None:
    """Operations a second of products with a scale for each row and column; None where the device has none."""
    if torch.cuda.get_device_capability(device) < HOPPER:
        return None
    factors = [factor.clamp(-4, 4).to(torch.float8_e4m3fn) for factor in (left, right)]
    scales = torch.ones(len(left), 1, device=device), torch.ones(1, len(right), device=device)

    def product() -> None:
        torch._scaled_mm(factors[0], factors[1].t(), *scales, out_dtype=torch.bfloat16)  # noqa: SLF001 - its only name

    return 2.0 * len(left) ** 3 / _seconds(product, device)


def _seconds(operation: Callable[[], object], device: torch.device) -> float:
    """The least of several rounds, after one that warms up."""
    times = []
    for _ in range(1 + ROUNDS):
        _finish(device)
        began = time.perf_counter()
        operation()
        _finish(device)
        times.append(time.perf_counter() - began)
    return min(times[1:])


def _finish(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)

"""Times the kernels at the published models' sizes: `python -m tests.gpu.time_kernels`.

On a GPU each is repeated inside a CUDA graph, so that the host's launches are not what is timed. Bytes are those that
must cross the memory's bus at least once. With ``--device cpu`` only the portable operations run, at small sizes: to
show that the program works.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch

from auricle_server.bench.report.results import record, write
from auricle_server.engine.model.linear import PackedLinear
from auricle_server.engine.ops import JointInputs, Ops, fp8, portable_ops, triton_ops
from auricle_server.engine.ops.fp8_product import HOPPER, Fp8Product
from tests.support.engine.layers import D_MODEL, JOINT, TAPS, Layer, layer

REPEATS, ROUNDS = 10, 5
LAYERS = {
    "cuda": ((64, 1, 70), (1024, 1, 70), (1024, 2, 70), (512, 7, 70), (512, 14, 70), (1024, 1, 56)),
    "cpu": ((2, 1, 70),),
}
"""Rows, frames and ring of the layers, by device."""
JOINTS = {"cuda": tuple((rows, tokens) for tokens in (1025, 13088) for rows in (1, 64, 1024)), "cpu": ((2, 1025),)}
"""Rows and tokens of the joints."""


@dataclass(frozen=True, slots=True)
class KernelTime:
    """One operation at one size.

    Attributes:
        operation: Its name.
        kind: Implementation or precision.
        size: In words.
        microseconds: Median of its times.
        rate: What it moves or computes a second, in `unit`.
        unit: ``"TB/s"`` or ``"TFLOP/s"``.
    """

    operation: str
    kind: str
    size: str
    microseconds: float
    rate: float
    unit: str


def microseconds(operation: Callable[[], object], device: torch.device) -> float:
    """The median of several rounds."""
    for _ in range(3):
        operation()
    if device.type == "cpu":
        return 1e6 * sorted(_seconds(operation) for _ in range(ROUNDS))[ROUNDS // 2]
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for _ in range(REPEATS):
            operation()
    times = []
    for _ in range(ROUNDS):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
        begin.record()
        graph.replay()
        end.record()
        end.synchronize()
        times.append(begin.elapsed_time(end) * 1000 / REPEATS)
    return float(sorted(times)[ROUNDS // 2])


def _seconds(operation: Callable[[], object]) -> float:
    began = time.perf_counter()
    operation()
    return time.perf_counter() - began


def in_fp8(given: Layer) -> Layer:
    """The layer with rings of 8 bits."""
    attention = given.attention
    keys, values = (fp8.quantised(ring) for ring in (attention.keys, attention.values))
    scales = {"key_scales": keys[1][..., 0].to(fp8.SCALES), "value_scales": values[1][..., 0].to(fp8.SCALES)}
    return replace(given, attention=replace(attention, keys=keys[0], values=values[0], **scales))


def time_rings_in_fp8(device: torch.device) -> Iterator[KernelTime]:
    """Attention over rings of 8 bits."""
    ops: Ops = portable_ops() if device.type == "cpu" else triton_ops()
    for batch, frames, left in LAYERS[device.type]:
        given = in_fp8(layer(batch, frames, left, device))
        took = microseconds(lambda: given.attended(ops), device)  # noqa: B023 - called at once
        rate = bytes_of("attention", given) / took / 1e6
        yield KernelTime("attention", "fp8", f"rows {batch}, frames {frames}, ring {left}", took, rate, "TB/s")


def time_products(device: torch.device) -> Iterator[KernelTime]:
    """The feed-forward modules' products in bf16 and in FP8, the quantising of activations included."""
    for rows in (64, 256, 1024, 4096) if device.type == "cuda" else (4,):
        for size_in, size_out in ((D_MODEL, 4 * D_MODEL), (4 * D_MODEL, D_MODEL)):
            weight = torch.randn(size_out, size_in, device=device, dtype=torch.bfloat16)
            x = torch.randn(rows, size_in, device=device, dtype=torch.bfloat16)
            for kind, product in (("bf16", PackedLinear(weight)), ("fp8", Fp8Product(weight, None))):
                took = microseconds(lambda: product(x), device)  # noqa: B023 - called at once
                rate = 2 * rows * size_in * size_out / took / 1e6
                yield KernelTime("product", kind, f"{rows} x {size_in} to {size_out}", took, rate, "TFLOP/s")


def bytes_of(operation: str, given: Layer) -> int:
    """Least traffic of an operation on a layer, bf16."""
    batch, frames, _ = given.x.shape
    values = batch * frames * D_MODEL
    if operation == "attention":
        rings = batch * (given.rows.left + frames) * D_MODEL * 2 * given.attention.keys.element_size()
        return rings + 2 * (4 * values + given.attention.by_position.numel())
    if operation == "convolution":
        return 2 * (batch * (TAPS - 1) * D_MODEL * 2 + 3 * values)
    return 2 * (4 * values + 2 * values)


def time_layers(ops: dict[str, Ops], device: torch.device) -> Iterator[KernelTime]:
    """A layer's operations, by chunk and implementation."""
    operations = {"norm": Layer.normed, "convolution": Layer.convolved, "attention": Layer.attended}
    for batch, frames, left in LAYERS[device.type]:
        for name, operation in operations.items():
            for kind, implementation in ops.items():
                given = layer(batch, frames, left, device)
                took = microseconds(lambda: operation(given, implementation), device)  # noqa: B023 - called at once
                rate = bytes_of(name, given) / took / 1e6
                yield KernelTime(name, kind, f"rows {batch}, frames {frames}, ring {left}", took, rate, "TB/s")


def time_joint(ops: dict[str, Ops], device: torch.device) -> Iterator[KernelTime]:
    """The joint's output layer, by vocabulary, rows and precision."""
    for batch, tokens in JOINTS[device.type]:
        weight, bias = torch.randn(tokens, JOINT, device=device), torch.randn(tokens, device=device)
        encoded, projected = torch.randn(batch, 1, JOINT, device=device), torch.randn(batch, JOINT, device=device)
        inputs = JointInputs(encoded, torch.zeros(batch, dtype=torch.int64, device=device), projected, weight, bias)
        for kind, implementation in ops.items():
            took = microseconds(lambda: implementation.joint_scores(inputs, 1), device)  # noqa: B023 - called at once
            rate = 2 * tokens * JOINT * batch / took / 1e6
            yield KernelTime("joint", kind, f"rows {batch}, tokens {tokens}", took, rate, "TFLOP/s")


def times(device: torch.device) -> Iterator[KernelTime]:
    """All that there is to time on a device."""
    if device.type == "cpu":
        yield from time_layers({"portable": portable_ops()}, device)
        yield from time_joint({"portable": portable_ops()}, device)
        yield from time_rings_in_fp8(device)
        yield from time_products(device)
        return
    yield from time_layers({"triton": triton_ops()}, device)
    yield from time_joint({"tf32": triton_ops("tf32"), "ieee": triton_ops()}, device)
    if torch.cuda.get_device_capability(device) >= HOPPER:
        yield from time_rings_in_fp8(device)
        yield from time_products(device)
    yield from time_layers({"portable": portable_ops()}, device)


def main() -> None:
    """Prints a line for each time, and writes the record anew after each."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--budget", type=float, default=float("inf"))
    parser.add_argument("--out", type=Path, default=None)
    options = parser.parse_args()
    ends, rows = time.monotonic() + options.budget, list[KernelTime]()
    with torch.inference_mode():
        for one in times(torch.device(options.device)):
            rows.append(one)
            sys.stdout.write(
                f"{one.operation:12} {one.kind:9} {one.size:36} {one.microseconds:9.1f} us {one.rate:7.2f} {one.unit}\n"
            )
            write(record("kernels", vars(options), {"rows": [asdict(row) for row in rows]}), options.out, "kernels")
            if time.monotonic() > ends:
                break


if __name__ == "__main__":
    main()

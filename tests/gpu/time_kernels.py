"""Times the kernels at the published models' sizes: `python -m tests.gpu.time_kernels`.

Each is repeated inside a CUDA graph, so that the host's launches are not what is timed. Bytes are those that must
cross the memory's bus at least once.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from auricle_server.engine.ops import JointInputs, Ops, portable_ops, triton_ops
from tests.support.engine.layers import D_MODEL, JOINT, TAPS, Layer, layer

REPEATS, ROUNDS = 10, 5
CUDA = torch.device("cuda")


def microseconds(operation: Callable[[], object]) -> float:
    """The median of several rounds."""
    for _ in range(3):
        operation()
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


def bytes_of(operation: str, given: Layer) -> int:
    """Least traffic of an operation on a layer, bf16."""
    batch, frames, _ = given.x.shape
    values = batch * frames * D_MODEL
    if operation == "attention":
        rings = batch * (given.rows.left + frames) * D_MODEL * 2
        return 2 * (rings + 4 * values + given.attention.by_position.numel())
    if operation == "convolution":
        return 2 * (batch * (TAPS - 1) * D_MODEL * 2 + 3 * values)
    return 2 * (4 * values + 2 * values)


def time_layers(ops: dict[str, Ops]) -> None:
    """Prints a line per operation, chunk and implementation."""
    operations = {"norm": Layer.normed, "convolution": Layer.convolved, "attention": Layer.attended}
    for batch, frames, left in ((64, 1, 70), (1024, 1, 70), (1024, 2, 70), (512, 7, 70), (512, 14, 70), (1024, 1, 56)):
        for name, operation in operations.items():
            for kind, implementation in ops.items():
                given = layer(batch, frames, left, CUDA)
                took = microseconds(lambda: operation(given, implementation))  # noqa: B023 - called at once
                rate = bytes_of(name, given) / took / 1e6
                print(
                    f"{name:12} {kind:9} rows {batch:5} frames {frames:3} left {left} {took:9.1f} us {rate:6.2f} TB/s"
                )


def time_joint(ops: dict[str, Ops]) -> None:
    """Prints a line per vocabulary, rows and implementation."""
    for tokens in (1025, 13088):
        weight, bias = torch.randn(tokens, JOINT, device=CUDA), torch.randn(tokens, device=CUDA)
        for batch in (1, 64, 1024):
            encoded, projected = torch.randn(batch, 1, JOINT, device=CUDA), torch.randn(batch, JOINT, device=CUDA)
            at = torch.zeros(batch, dtype=torch.int64, device=CUDA)
            inputs = JointInputs(encoded, at, projected, weight, bias)
            for kind, implementation in ops.items():
                took = microseconds(
                    lambda: implementation.joint_scores(inputs, 1)  # noqa: B023 - called at once
                )
                rate = 2 * tokens * JOINT * batch / took / 1e6
                print(f"joint        {kind:9} rows {batch:5} tokens {tokens:5} {took:19.1f} us {rate:6.1f} TFLOP/s")


if __name__ == "__main__":
    print(torch.cuda.get_device_name())
    with torch.inference_mode():
        time_layers({"triton": triton_ops(), "portable": portable_ops()})
        time_joint({"tf32": triton_ops("tf32"), "ieee": triton_ops(), "portable": portable_ops()})

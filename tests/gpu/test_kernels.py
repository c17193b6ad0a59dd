"""The kernels at the published models' sizes, and inside a CUDA graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor

from auricle_server.engine.model.precision import exact_products
from auricle_server.engine.ops import JointInputs, Ops, portable_ops, triton_ops
from tests.support.engine.layers import JOINT, Layer, layer
from tests.support.engine.step_inputs import assert_near

OPERATIONS: dict[str, Callable[[Layer, Ops], Tensor]] = {
    "norm": Layer.normed,
    "convolution": Layer.convolved,
    "attention": Layer.attended,
}
SHAPES = [(1, 1, 70), (37, 1, 70), (37, 2, 70), (37, 7, 70), (37, 14, 70), (37, 1, 56), (37, 4, 56), (37, 14, 56)]
CUDA = torch.device("cuda")


@pytest.fixture(autouse=True)
def exact_reference() -> Iterator[None]:
    with exact_products():
        yield


def assert_same_state(ours: Layer, theirs: Layer) -> None:
    for left, right in (
        (ours.x, theirs.x),
        (ours.history, theirs.history),
        (ours.attention.keys, theirs.attention.keys),
        (ours.attention.values, theirs.attention.values),
    ):
        assert_near(left[1:], right[1:])


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
@pytest.mark.parametrize(("batch", "frames", "left"), SHAPES)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_kernels_equal_portable(operation: str, batch: int, frames: int, left: int, dtype: torch.dtype) -> None:
    ours, theirs = (layer(batch, frames, left, CUDA, dtype) for _ in range(2))
    for _ in range(3):  # each on what the one before left
        result = OPERATIONS[operation](ours, triton_ops())
        assert_near(result, OPERATIONS[operation](theirs, portable_ops()))
        for given in (ours, theirs):
            given.rows.position.add_(frames)
    assert_same_state(ours, theirs)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_graph_reads_places_and_state_anew(operation: str) -> None:
    captured, plain = (layer(37, 2, 70, CUDA) for _ in range(2))
    run = OPERATIONS[operation]
    run(layer(37, 2, 70, CUDA), triton_ops())  # compiles
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        result = run(captured, triton_ops())
    for _ in range(3):
        graph.replay()
        expected = run(plain, triton_ops())
        assert torch.equal(result, expected)
        for given in (captured, plain):
            given.rows.position.add_(2)
    assert_same_state(captured, plain)


@pytest.mark.parametrize(("precision", "tolerance"), [("ieee", 1e-4), ("tf32", 2e-2)])
@pytest.mark.parametrize("tokens", [1025, 13088])
@pytest.mark.parametrize(("batch", "window"), [(1, 1), (37, 2), (300, 7)])
def test_the_joint_equals_portable(tokens: int, batch: int, window: int, precision: str, tolerance: float) -> None:
    generator = torch.Generator(CUDA).manual_seed(tokens + batch)

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, device=CUDA)

    encoded, projected, weight, bias = (
        normal(batch, 7, JOINT),
        normal(batch, JOINT),
        normal(tokens, JOINT),
        normal(tokens),
    )
    weight *= 4 / JOINT**0.5
    at = torch.zeros(batch, dtype=torch.int64, device=CUDA)
    inputs = JointInputs(encoded, at, projected, weight, bias)
    token, log_probability, power = triton_ops(precision).joint_scores(inputs, window)
    expected, reference, powers = portable_ops().joint_scores(inputs, window)
    torch.testing.assert_close(log_probability, reference, atol=tolerance, rtol=tolerance)
    torch.testing.assert_close(power, powers, atol=tolerance, rtol=tolerance)
    logits = (encoded[:, :window] + projected[:, None]).relu() @ weight.T + bias
    lost = logits.amax(-1) - logits.gather(2, token[:, :, None].long())[:, :, 0]
    assert lost.max() <= tolerance  # another token only where both are as good
    assert (token == expected).float().mean() > 0.99

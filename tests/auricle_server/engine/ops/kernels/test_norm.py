from __future__ import annotations

import pytest
import torch

from auricle_server.engine.ops import NormWeights, Ops
from tests.support.engine.step_inputs import Source, assert_near

DTYPES = [torch.float32, torch.bfloat16]
CPU = torch.device("cpu")


def textbook(x: torch.Tensor, norm: NormWeights) -> torch.Tensor:
    mean = x.double().mean(-1, keepdim=True)
    variance = ((x - mean) ** 2).mean(-1, keepdim=True)
    return ((x - mean) / (variance + 1e-5).sqrt() * norm.weight + norm.bias).float()


@pytest.mark.parametrize("size", [1, 40, 160])
def test_portable_equals_the_textbook(portable: Ops, size: int) -> None:
    source = Source(size, CPU)
    x, update = source.normal(3, 2, size) * 3 + 1, source.normal(3, 2, size)
    closing, norm = (NormWeights(source.normal(size), source.normal(size)) for _ in range(2))
    summed = x + update
    torch.testing.assert_close(portable.layer_norm(x, norm, torch.float32), textbook(x, norm))
    added, closed = x.clone(), x.clone()
    normed = portable.add_layer_norm(added, update, norm, torch.float32)
    assert torch.equal(added, summed)
    torch.testing.assert_close(normed, textbook(summed, norm))
    normed = portable.renorm(closed, update, closing, norm, torch.float32)
    torch.testing.assert_close(closed, textbook(summed, closing))
    torch.testing.assert_close(normed, textbook(closed, norm))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [1, 40, 160, 1024])
def test_kernels_equal_portable(kernels: Ops, portable: Ops, size: int, dtype: torch.dtype) -> None:
    from tests.support.engine.kernels import device_of_kernels

    source = Source(size, device_of_kernels())
    x, update = source.normal(3, 2, size) * 3 + 1, source.normal(3, 2, size, dtype=dtype)
    closing, norm = (NormWeights(source.normal(size), source.normal(size)) for _ in range(2))
    for precision in (torch.float32, torch.bfloat16):
        assert_near(
            kernels.layer_norm(x.to(precision), norm, dtype),
            portable.layer_norm(x.to(precision), norm, dtype),
        )
    ours, theirs = x.clone(), x.clone()
    assert_near(
        kernels.add_layer_norm(ours, update, norm, dtype),
        portable.add_layer_norm(theirs, update, norm, dtype),
    )
    assert torch.equal(ours, theirs)
    assert_near(
        kernels.renorm(ours, update, closing, norm, dtype),
        portable.renorm(theirs, update, closing, norm, dtype),
    )
    assert_near(ours, theirs)

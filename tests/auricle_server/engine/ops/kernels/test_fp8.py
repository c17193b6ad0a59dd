from __future__ import annotations

import pytest
import torch

from auricle_server.engine.ops import Ops, fp8
from tests.support.engine.step_inputs import Source


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(("rows", "size"), [(1, 1024), (5, 160), (3, 4096)])
def test_rows_are_quantised_as_the_reference_does(kernels: Ops, rows: int, size: int, dtype: torch.dtype) -> None:
    """`kernels` puts the interpreter in place where there is no GPU."""
    from auricle_server.engine.ops.kernels.fp8 import quantise_rows
    from tests.support.engine.kernels import device_of_kernels

    x = Source(size, device_of_kernels()).normal(rows, size, dtype=dtype)
    x[0] *= 1e-4
    x[-1, : size // 2] = 0
    found, scales = quantise_rows(x)
    expected, wanted = fp8.quantised(x)
    assert torch.equal(scales, wanted)
    assert torch.equal(found.view(torch.uint8), expected.view(torch.uint8))

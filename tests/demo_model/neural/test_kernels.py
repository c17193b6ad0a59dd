from __future__ import annotations

import ctypes
from pathlib import Path

import numpy as np
import pytest
import torch

from demo_model.neural import kernels


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    library = kernels.library(tmp_path_factory.mktemp("kernels"))
    if library is None:
        pytest.skip("no C compiler")
    return library


def values(rows: int, channels: int, seed: int) -> torch.Tensor:
    return torch.randn(rows, channels, generator=torch.Generator().manual_seed(seed)) * 3 + 1


@pytest.mark.parametrize(("rows", "channels"), [(40, 16), (700, 128), (1024, 256)])
def test_sums_and_moments_equal_those_of_pytorch(compiled: ctypes.CDLL, rows: int, channels: int) -> None:
    other = values(rows + 5, channels, 2)
    mine, reference = values(rows + 5, channels, 1), values(rows + 5, channels, 1)
    measured = kernels.add_and_measure(compiled, mine, other, rows)
    wanted = kernels.add_and_measure(None, reference, other, rows)
    torch.testing.assert_close(mine, reference)
    for found, right in zip(measured, wanted, strict=True):
        np.testing.assert_allclose(found, right, rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("rows", [1, 333])
def test_the_snake_activation_equals_that_of_pytorch(compiled: ctypes.CDLL, rows: int) -> None:
    generator = np.random.default_rng(0)
    scale, shift, alpha = (generator.uniform(0.2, 2.0, 128).astype(np.float32) for _ in range(3))
    x = values(rows + 2, 128, 3)
    arguments = (x, rows, rows + 7, scale, shift, alpha)
    mine, step, zero = kernels.snake_to_bytes(compiled, *arguments)
    right, right_step, right_zero = kernels.snake_to_bytes(None, *arguments)
    assert step == pytest.approx(right_step, rel=1e-4)
    assert zero == right_zero
    assert int((mine.int() - right.int()).abs().max()) <= 1
    assert (mine[rows:] == zero).all(), "padding stands for zero"


def test_without_a_compiler_there_are_no_kernels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert kernels.library(tmp_path / "other") is None

"""The kernels under test: on a GPU where there is one, else in Triton's interpreter."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from auricle_server.engine.model.precision import exact_products
from auricle_server.engine.ops import Ops, portable_ops, triton_ops


@pytest.fixture(scope="module")
def kernels() -> Iterator[Ops]:
    """The Triton operations, for tensors on `device_of_kernels()`."""
    pytest.importorskip("triton", reason="Triton is not installed")
    from tests.support.engine.kernels import device_of_kernels, interpreted

    if device_of_kernels().type == "cuda":
        yield triton_ops()
    else:
        with pytest.MonkeyPatch.context() as patch, interpreted(patch):
            yield triton_ops()


@pytest.fixture(autouse=True)
def exact_reference() -> Iterator[None]:
    """On a GPU, other tests of the process may have allowed TF32."""
    with exact_products():
        yield


@pytest.fixture
def portable() -> Ops:
    """The reference."""
    return portable_ops()

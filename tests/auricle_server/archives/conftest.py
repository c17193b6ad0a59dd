from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.servers.ray_runs import SharedRay, shared_ray


@pytest.fixture(scope="package")
def ray() -> Iterator[SharedRay]:
    """A Ray that the tests of this folder share: a start takes a quarter of a minute."""
    import pyarrow as pa  # noqa: F401
    import ray as absent  # noqa: F401 - then the tests are skipped
    import torch  # noqa: F401

    with shared_ray() as started:
        yield started

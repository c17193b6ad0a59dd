from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.servers.ray_runs import SharedRay, shared_ray


@pytest.fixture(scope="package")
def ray() -> Iterator[SharedRay]:
    """A Ray that the tests of this folder share: a start takes a quarter of a minute."""
    pytest.importorskip("torch")
    pytest.importorskip("ray")
    with shared_ray() as started:
        yield started

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A folder like `tmp_path`; but that is too long a path for sockets in a process of pytest-xdist."""
    with tempfile.TemporaryDirectory(prefix="a-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        yield Path(folder)

"""What needs a CUDA device. Nothing here needs NeMo, a network, or more packages than the engine itself."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from auricle_server.checkpoints import load_checkpoint
from auricle_server.checkpoints.load import Checkpoint
from tests.support import tones

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.gpu)
            item.add_marker(pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"))


@pytest.fixture(scope="session")
def checkpoint() -> Checkpoint:
    return load_checkpoint(str(tones.CHECKPOINT))

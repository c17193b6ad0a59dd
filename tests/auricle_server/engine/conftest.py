"""An engine on the two-tone checkpoint."""

from __future__ import annotations

import pytest

from auricle_server.checkpoints import load_checkpoint
from auricle_server.checkpoints.load import Checkpoint
from auricle_server.engine import Engine
from tests.support import tones


@pytest.fixture(scope="module")
def checkpoint() -> Checkpoint:
    return load_checkpoint(str(tones.CHECKPOINT))


@pytest.fixture
def engine(checkpoint: Checkpoint) -> Engine:
    return Engine(checkpoint, slots=6, device="cpu", threads=1)

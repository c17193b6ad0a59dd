"""The two-tone model's configuration and parameters, for tests of the model's parts."""

from __future__ import annotations

from functools import cache

import torch

from auricle_server.checkpoints import load_checkpoint
from auricle_server.checkpoints.load import Checkpoint
from auricle_server.engine.model.forward import Model
from auricle_server.engine.model.parameters import Parameters
from auricle_server.engine.ops import CacheRows, portable_ops
from tests.support import tones

CPU = torch.device("cpu")


@cache
def checkpoint() -> Checkpoint:
    """Loaded once for all tests."""
    return load_checkpoint(str(tones.CHECKPOINT))


CONFIG = checkpoint().config
LEFT = 70


def parameters() -> Parameters:
    """The model's parameters in fp32."""
    return Parameters(checkpoint().weights, CPU, torch.float32)


def model(slots: int = 4) -> Model:
    """The whole model on the CPU."""
    return Model(checkpoint(), slots, CPU, torch.float32, portable_ops())


def rows(slots: list[int], position: int, frames: int, reach: int = LEFT) -> CacheRows:
    """Rows that stand at the same frame of their streams and are kept."""
    where = torch.tensor(slots)
    return CacheRows(where, where, torch.full_like(where, position), torch.full_like(where, frames), reach, LEFT)

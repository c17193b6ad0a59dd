"""Loads checkpoints, by name, ``.nemo`` file or hub id: weights, configuration and tokens. Needs no NeMo.

`load_checkpoint` is resolved on first use, so that importing this package alone loads no tensor library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from auricle_server.checkpoints.errors import BadCheckpoint, CheckpointError, CheckpointNotFound, UnsupportedModel

if TYPE_CHECKING:
    from auricle_server.checkpoints.load import Checkpoint, load_checkpoint

__all__ = [
    "BadCheckpoint",
    "Checkpoint",
    "CheckpointError",
    "CheckpointNotFound",
    "UnsupportedModel",
    "load_checkpoint",
]


def __getattr__(name: str) -> Any:
    if name in ("Checkpoint", "load_checkpoint"):
        from auricle_server.checkpoints import load

        return getattr(load, name)
    raise AttributeError(name)

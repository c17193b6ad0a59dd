"""What every container of a checkpoint is read to."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from auricle_server.checkpoints.config import ModelConfig


@dataclass(frozen=True, slots=True)
class RawCheckpoint:
    """What is in the files.

    Attributes:
        config: Architecture and features, checked.
        weights: Parameters by NeMo's names, in the precision in which they are stored; mapped where possible.
        pieces: Token strings by id, blank excluded; U+2581 marks the start of a word.
    """

    config: ModelConfig
    weights: dict[str, torch.Tensor]
    pieces: tuple[str, ...]

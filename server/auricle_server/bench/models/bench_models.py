"""The model of a bench: a checkpoint, or an architecture of full size with random weights."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from auricle_server.bench.models.blank_bias import calibrate, token_rate
from auricle_server.bench.models.random_weights import parameters, random_checkpoint
from auricle_server.bench.models.replicas import write_nemo
from auricle_server.bench.models.shapes import SHAPES
from auricle_server.checkpoints.config import ModelConfig
from auricle_server.checkpoints.load import Checkpoint, load_checkpoint, locate

_LAYER_STATES = 2
"""Cached tensors of a layer: keys and values."""
_SLOTS_SHARE = 0.6
"""Share of the free memory that slots may take."""
_CPU_BYTES = 3 << 30
"""Memory for slots on a CPU."""


@dataclass(frozen=True, slots=True)
class BenchModel:
    """A model to measure.

    Attributes:
        name: Name in the results.
        checkpoint: The model.
        path: The archive that the model was loaded from; None with random weights.
        tokens_per_second: Tokens per second of speech.
        millions: Millions of parameters.
    """

    name: str
    checkpoint: Checkpoint
    path: Path | None
    tokens_per_second: float
    millions: float

    @contextmanager
    def archive(self) -> Iterator[Path]:
        """The model as a ``.nemo`` file, for engines that need one."""
        if self.path is not None:
            yield self.path
            return
        with tempfile.TemporaryDirectory() as folder:
            yield write_nemo(self.checkpoint, Path(folder) / "model.nemo")


def bench_model(name: str, random: str | None, *, device: str, threads: int | None) -> BenchModel:
    """Loads the checkpoint `name`, or draws random weights for the architecture `random`.

    Raises:
        ValueError: `random` is not an architecture of `SHAPES`.
        CheckpointError: See `load_checkpoint`.
    """
    if random is None:
        checkpoint = load_checkpoint(name)
        rate = token_rate(checkpoint, device=device, threads=threads)
        return BenchModel(name, checkpoint, locate(name), rate, parameters(checkpoint) / 1e6)
    if random not in SHAPES:
        raise ValueError(f"no architecture {random!r}; choose one of {', '.join(SHAPES)}")
    drawn = random_checkpoint(random, device="cuda" if torch.device(device).type == "cuda" else "cpu")
    checkpoint, rate = calibrate(drawn, device=device, threads=threads)
    return BenchModel(checkpoint.name, checkpoint, None, rate, parameters(checkpoint) / 1e6)


def slots_that_fit(config: ModelConfig, device: torch.device, dtype: torch.dtype) -> int:
    """Estimates how many streams fit into the memory, by their cached keys and values; all other state is small."""
    encoder = config.encoder
    ring = max(left for left, _ in encoder.contexts) * encoder.d_model * _LAYER_STATES * encoder.layers
    memory = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else _CPU_BYTES
    return max(1, int(_SLOTS_SHARE * memory / (ring * dtype.itemsize)))

"""Builds a runner for a checkpoint and a device: which precision, which kernels, how large a step."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass

import torch

from auricle_server.checkpoints.config import ModelConfig
from auricle_server.checkpoints.load import Checkpoint
from auricle_server.engine.host_memory import loading
from auricle_server.engine.memory import parameter_count
from auricle_server.engine.model.forward import Model
from auricle_server.engine.model.precision import allow_tf32
from auricle_server.engine.ops import Ops, portable_ops, triton_ops
from auricle_server.engine.runners.cuda_graphs import StaticRunner
from auricle_server.engine.runners.eager import EagerRunner
from auricle_server.engine.runners.runner import Runner
from auricle_server.engine.weight_formats import LARGE, WeightFormat, check_format, default_format

CUDA_FRAMES = 4096
CUDA_ROWS = 2048
"""A step of this size keeps an H200 busy for some milliseconds; a larger one makes urgent rows wait longer and hardly
raises throughput."""
CPU_FRAMES = 128
CPU_PAUSE = 0.008
"""Seconds that a row of a large model waits for rows of other streams. A step reads all weights, for a few rows as for
one: two streams at 80 ms, milliseconds apart, fill two cores one by one, and half of them together."""


@dataclass(frozen=True, slots=True)
class Hardware:
    """How to compute; None selects what suits the device.

    Attributes:
        device: ``"auto"`` is CUDA where there is a GPU, else the CPU; otherwise a torch device.
        dtype: Precision of the encoder's products; None is bf16 on CUDA and fp32 elsewhere. With bf16 the fp32 products
            of the other parts may use TF32; features stay exact.
        max_frames: Most encoder frames of one step, all rows together; None takes `CUDA_FRAMES` or `CPU_FRAMES`.
        kernels: Whether to use the Triton kernels; None does on CUDA.
        static: Whether to compute in fixed shapes, as CUDA graphs where there is CUDA; None does on CUDA.
        keyterms: Whether streams may have key terms. Where shapes are fixed this makes a second set of programs.
        weights: Format of the weights; None takes what suits the model.
        fp8_rings: Whether streams keep keys and values in FP8: half the memory of a stream, and other words here and
            there. An experiment, not run on a GPU yet (docs/gpu.md).
    """

    device: str = "auto"
    dtype: torch.dtype | None = None
    max_frames: int | None = None
    kernels: bool | None = None
    static: bool | None = None
    keyterms: bool = True
    weights: WeightFormat | None = None
    fp8_rings: bool = False

    def resolved(self) -> Hardware:
        """The same hardware with every None replaced, but for the format of weights, which depends on the model."""
        device = resolve_device(self.device)
        cuda = device.type == "cuda"
        return Hardware(
            str(device),
            self.dtype or (torch.bfloat16 if cuda else torch.float32),
            self.max_frames or (CUDA_FRAMES if cuda else CPU_FRAMES),
            cuda if self.kernels is None else self.kernels,
            cuda if self.static is None else self.static,
            self.keyterms,
            self.weights,
            self.fp8_rings,
        )

    def format_for(self, config: ModelConfig) -> WeightFormat:
        """Format of the weights of a model.

        Raises:
            UnsupportedDtype: The device cannot compute with the format that was asked for.
        """
        assert self.dtype is not None, "resolved first"
        device = torch.device(self.device)
        if self.weights is None:
            return default_format(parameter_count(config), self.dtype, device)
        check_format(self.weights, self.dtype, device)
        return self.weights

    def rows_of(self, chunk_sizes: list[int]) -> dict[int, int]:
        """Most rows of a step, by chunk size."""
        assert self.max_frames is not None, "resolved first"
        return {frames: max(1, min(CUDA_ROWS, self.max_frames // frames)) for frames in chunk_sizes}


def resolve_device(name: str) -> torch.device:
    """The torch device that `name` stands for; ``"auto"`` is CUDA where there is one, else the CPU."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


@dataclass(frozen=True, slots=True)
class BuiltRunner:
    """A runner and its limits.

    Attributes:
        runner: Computes batches.
        slots: Streams that it holds.
        chunk_sizes: Encoder frames of the chunks that it offers, ascending.
        chunk_counts: How many of the largest chunks a row may hold, ascending, 1 left out.
        key_term_capacity: States and arcs that its tables of key terms hold.
        weights: Format of its weights.
        pause: Seconds that a ready row waits for more rows.
    """

    runner: Runner
    slots: int
    chunk_sizes: list[int]
    chunk_counts: list[int]
    key_term_capacity: tuple[int, int]
    weights: WeightFormat
    pause: float = 0.0


@torch.inference_mode()
def build_runner(checkpoint: Checkpoint, slots: int | None, hardware: Hardware) -> BuiltRunner:
    """Builds the runner of a checkpoint.

    Args:
        checkpoint: The model.
        slots: Streams at once; None takes what suits the device.
        hardware: Resolved.

    Raises:
        UnsupportedDtype: See `Hardware.format_for`.
    """
    assert hardware.dtype is not None, "resolved first"
    half = hardware.dtype != torch.float32
    if hardware.device.startswith("cuda"):
        allow_tf32(half)
    # With an fp32 encoder the joint is exact too, so that tokens equal NeMo's.
    ops: Ops = triton_ops("tf32" if half else "ieee") if hardware.kernels else portable_ops()
    weights = hardware.format_for(checkpoint.config)
    device = torch.device(hardware.device)
    with loading() if device.type == "cpu" else nullcontext():
        model = Model(checkpoint, slots, device, hardware.dtype, ops, hardware.keyterms, weights, hardware.fp8_rings)
    sizes, terms = sorted(model.reach), model.key_terms.size
    if hardware.static:
        return BuiltRunner(StaticRunner(model, hardware.rows_of(sizes)), model.slots, sizes, [], terms, weights)
    counts = sorted(model.chunks_of_row.values())
    pause = CPU_PAUSE if parameter_count(checkpoint.config) >= LARGE else 0.0
    return BuiltRunner(EagerRunner(model), model.slots, sizes, counts, terms, weights, pause)

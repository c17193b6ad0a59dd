"""How many bytes and operations a step needs, from the architecture alone: the floor under its time.

Nothing here is measured. A part's floor is the longer of two times: its bytes over the memory's bandwidth, and its
operations over the rate of the unit that does them. Weights and state cross the memory's bus once; so do activations,
which is pessimistic where they stay in the cache between two kernels (some 50 MB on Hopper).
"""

from __future__ import annotations

from dataclasses import dataclass

from auricle_server.checkpoints.config import SUBSAMPLING_FACTOR, ModelConfig
from auricle_server.engine.model.subsampling import stage_widths

_FP32 = 4
ROUNDS = 2
"""Rounds of the greedy search in most steps, `graph_program.FIRST_ROUNDS`."""
_POINTWISE = 3
"""Products of d x d in a convolution module: two for the gated one, one after it."""


@dataclass(frozen=True, slots=True)
class Ceilings:
    """What a device does at most.

    Attributes:
        bandwidth: Bytes a second between chip and memory, read and written together.
        bf16: Operations a second of bf16 products; of fp32 ones on a device without tensor cores.
        tf32: Operations a second of fp32 products, as TF32 where the device has that.
        fp8: Operations a second of FP8 products; None where the device has none.
    """

    bandwidth: float
    bf16: float
    tf32: float
    fp8: float | None = None


@dataclass(frozen=True, slots=True)
class Formats:
    """Bytes of a value.

    Attributes:
        weight: Of the encoder's matrices.
        activation: Of what passes between the encoder's operations.
        cache: Of a cached key or value, its share of a scale included.
    """

    weight: float = 2.0
    activation: float = 2.0
    cache: float = 2.0


@dataclass(frozen=True, slots=True)
class Work:
    """What one part of a step needs.

    Attributes:
        part: Name, as in `limits.PARTS`.
        bytes: To and from the memory.
        flops: Operations of the encoder's products, in bf16 or FP8.
        exact_flops: Operations of fp32 or TF32 products.
    """

    part: str
    bytes: float
    flops: float = 0.0
    exact_flops: float = 0.0

    def seconds(self, ceilings: Ceilings, fp8: bool = False) -> tuple[float, float]:
        """Seconds for the bytes, and for the operations; the floor is the larger one."""
        rate = ceilings.fp8 if fp8 and ceilings.fp8 else ceilings.bf16
        return self.bytes / ceilings.bandwidth, self.flops / rate + self.exact_flops / ceilings.tf32


def floor_seconds(work: tuple[Work, ...], ceilings: Ceilings, fp8: bool = False) -> float:
    """The least time of a step: parts follow each other."""
    return sum(max(part.seconds(ceilings, fp8)) for part in work)


def step_work(config: ModelConfig, frames: int, rows: int, formats: Formats | None = None) -> tuple[Work, ...]:
    """The parts of one step.

    Args:
        config: Architecture.
        frames: Encoder frames of a chunk.
        rows: Streams of the batch.
        formats: Bytes of the values; by default all bf16.
    """
    formats = formats or Formats()
    encoder, d_model, total = config.encoder, config.encoder.d_model, rows * frames
    left = max(left // (right + 1) * (right + 1) for left, right in encoder.contexts)
    distances, state = left + 2 * frames - 1, encoder.conv_kernel - 1
    layers, value = encoder.layers, formats.activation
    matrices = layers * (4 * encoder.expansion + 4 + _POINTWISE) * d_model**2
    # Inputs and outputs: feed-forward modules, query, key, value, their output, both pointwise convolutions.
    widths = 2 * (2 + 2 * encoder.expansion) + (1 + 3) + (1 + 1) + (1 + 2) + (1 + 1)
    positions = encoder.heads * distances
    search, outer = _search(config, rows), _around_the_encoder(config, total)
    return (
        Work(
            "products",
            matrices * formats.weight
            + layers * total * (widths * d_model + d_model + positions) * value
            + search.bytes
            + outer.bytes,
            2.0 * total * (matrices + layers * distances * d_model),
            search.exact_flops + outer.exact_flops,
        ),
        Work(
            "attention",
            # The ring's keys and values are read and the chunk's are written; queries, keys and values come from the
            # product before, and the mean goes to the one after.
            layers * rows * 2 * (left + frames) * d_model * formats.cache
            + layers * total * (4 * d_model + positions) * value,
            4.0 * layers * total * (left + frames) * d_model,
        ),
        Work("convolution", layers * (2 * rows * state + 3 * total) * d_model * value),
        # Each reads and writes the residual stream in fp32, reads what is added to it and writes the norm.
        Work("norms", layers * 4 * total * d_model * 2 * (_FP32 + value)),
        _joint(config, frames, rows),
        *_subsampling(config, total, layers * 2 * 2 * total * encoder.expansion * d_model * value),
    )


def _around_the_encoder(config: ModelConfig, total: int) -> Work:
    """Products before and after the encoder's blocks: of the subsampling's output, and of the joint's input."""
    flat = config.encoder.conv_channels * ((stage_widths(config.mel.bins)[-1] - 3) // 2 + 1)
    inputs = config.encoder.d_model * (flat + config.decoder.joint)
    moved = flat + 2 * config.encoder.d_model + config.decoder.joint
    return Work("products", (inputs + total * moved) * _FP32, 0.0, 2.0 * total * inputs)


def _search(config: ModelConfig, rows: int) -> Work:
    """Products of the prediction network, in every round for every row."""
    hidden = config.decoder.hidden
    weights = config.decoder.layers * 8 * hidden**2 + hidden * config.decoder.joint
    moved = config.decoder.layers * 10 * hidden + config.decoder.joint
    return Work("products", ROUNDS * (weights + rows * moved) * _FP32, 0.0, 2.0 * ROUNDS * rows * weights)


def _joint(config: ModelConfig, frames: int, rows: int) -> Work:
    """The joint's output layer: in every round for all frames of the chunk."""
    joint, outputs = config.decoder.joint, config.decoder.vocabulary + 1
    bytes_moved = ROUNDS * (outputs * joint + rows * frames * joint + rows * joint) * _FP32
    return Work("joint", bytes_moved, 0.0, 2.0 * ROUNDS * rows * frames * outputs * joint)


def _subsampling(config: ModelConfig, total: int, activations: float) -> tuple[Work, Work]:
    """The convolutions, and what is done value by value around them and in the feed-forward modules.

    Args:
        config: Architecture.
        total: Encoder frames of the batch.
        activations: Bytes that the feed-forward modules' SiLU reads and writes.
    """
    channels = config.encoder.conv_channels
    sizes = _stage_sizes(config)
    # The first stage is one convolution over one channel, the others are a depthwise and a pointwise one.
    convolved = [size * (1 if index == 0 else 3) for index, size in enumerate(sizes)]
    read = sizes[:-1]
    flops = sum(2 * 9 * size for size in sizes) + sum(2 * channels * size for size in sizes[1:])
    # ReLU after each; the mask of rows outside the stream, padding and the row kept from before after all but the last.
    passes = [2 * size * (1 + 3 * (index < len(sizes) - 1)) for index, size in enumerate(sizes)]
    passes.append(2 * sizes[-1])  # channels first, for the output layer
    return (
        Work("subsampling", total * (sum(convolved) + sum(read)) * _FP32, 0.0, float(total * flops)),
        Work("elementwise", total * sum(passes) * _FP32 + activations),
    )


def _stage_sizes(config: ModelConfig) -> list[int]:
    """Values that each stage of the subsampling puts out for an encoder frame."""
    widths = [(width - 3) // 2 + 1 for width in stage_widths(config.mel.bins)]
    return [config.encoder.conv_channels * (SUBSAMPLING_FACTOR >> (1 + i)) * width for i, width in enumerate(widths)]

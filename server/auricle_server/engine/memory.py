"""How much memory a model needs on a device, from its configuration alone, and how much there is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from auricle_server.checkpoints.config import ModelConfig
from auricle_server.engine.model.prediction_network import PredictionState
from auricle_server.engine.model.state_pool import CPU_SLOTS, MOST_SLOTS, STATE_SHARE, StatePool
from auricle_server.engine.model.subsampling import stage_widths
from auricle_server.engine.weight_formats import WeightFormat
from auricle_server.free_memory import free_memory as free_host_memory

_FP32 = 4
_INT8_FACTORS = 3 * 4
"""Bytes beside each row of an int8 weight: its factor, its zero point and its sum."""


@dataclass(frozen=True, slots=True)
class MemoryNeed:
    """What a model takes on a device.

    Attributes:
        weights: Bytes of its parameters.
        stream: Bytes of the state of each stream.
    """

    weights: int
    stream: int

    def streams(self, free: int, device: torch.device) -> int:
        """How many streams `free` bytes hold beside the weights; 0 where the weights alone are too many.

        As `state_pool.fitting_slots` counts, which also bounds it on a CPU.
        """
        left = max(0, free - self.weights)
        if device.type != "cuda":
            return min(CPU_SLOTS, left // self.stream)
        return min(MOST_SLOTS, int(left * STATE_SHARE) // self.stream)


@dataclass(frozen=True, slots=True)
class SharedNeed:
    """What one worker needs of a device that it shares.

    Attributes:
        need: Of its model.
        slots: Streams that it is to hold; None for as many as its part of the memory holds.
        share: Its part beside those of the others; None where each gets memory for as many streams as the others.
    """

    need: MemoryNeed
    slots: int | None = None
    share: float | None = None


def shared_slots(own: SharedNeed, later: Sequence[SharedNeed], free: int, device: torch.device) -> int:
    """How many streams a worker holds, so that those that are loaded after it find room for theirs.

    Args:
        own: Of the worker, which is not loaded yet.
        later: Of the others.
        free: Bytes that are free on the device.
        device: The device.

    Returns:
        0 where the memory holds no stream beside the weights of all.
    """
    everyone = (own, *later)
    cuda = device.type == "cuda"
    left = free - sum(each.need.weights for each in everyone)
    states = int(left * STATE_SHARE) if cuda else left
    states -= sum(each.slots * each.need.stream for each in later if each.slots is not None)
    open_ones = [each for each in everyone if each.slots is None]
    most = MOST_SLOTS if cuda else CPU_SLOTS
    if all(each.share is None for each in open_ones):
        slots = states // sum(each.need.stream for each in open_ones)
    else:
        parts = {id(each): 1.0 if each.share is None else each.share for each in open_ones}
        slots = int(states * parts[id(own)] / sum(parts.values())) // own.need.stream
    return max(0, min(most, slots))


def memory_need(config: ModelConfig, dtype: torch.dtype, weights: WeightFormat = WeightFormat.FLOAT32) -> MemoryNeed:
    """What a model needs.

    Args:
        config: Its architecture.
        dtype: Precision of the encoder's matrix products; all else is fp32.
        weights: Format of the weights of all matrix products, on a CPU.
    """
    encoder, outer = _encoder_products(config), _outer_products(config)
    # The projection of positions is applied when the model is built, and not kept.
    positions = config.encoder.layers * config.encoder.d_model**2
    others = parameter_count(config) - encoder - outer - positions
    itemsize = dtype.itemsize if weights is WeightFormat.FLOAT32 else weights.bytes_per_weight
    factors = _INT8_FACTORS * _encoder_outputs(config) if weights is WeightFormat.INT8 else 0
    taken = encoder * itemsize + factors + outer * weights.outside_encoder.bytes_per_weight + others * _FP32
    return MemoryNeed(taken, _bytes_per_stream(config, dtype))


def cpu_memory_need(config: ModelConfig, weights: WeightFormat) -> MemoryNeed:
    """What a model needs on a CPU, with fp32 activations."""
    return memory_need(config, torch.float32, weights)


def _encoder_products(config: ModelConfig) -> int:
    """Weights of the products of `Parameters.product`.

    Of each layer: feed-forward modules, query, key, value and output, and both pointwise convolutions.
    """
    return config.encoder.layers * (4 * config.encoder.expansion + 4 + 3) * config.encoder.d_model**2


def _encoder_outputs(config: ModelConfig) -> int:
    """Rows of those weights."""
    return config.encoder.layers * (2 * config.encoder.expansion + 2 + 4 + 3) * config.encoder.d_model


def _outer_products(config: ModelConfig) -> int:
    """Weights of the products of `Parameters.outer_product`: subsampling, language prompt, LSTM, joint."""
    encoder, decoder = config.encoder, config.decoder
    width = (stage_widths(config.mel.bins)[-1] - 3) // 2 + 1
    prediction = decoder.layers * 8 * decoder.hidden**2 + decoder.hidden * decoder.joint
    # The second product of the prompt is folded into the joint's projection.
    projection = encoder.d_model * (2 * encoder.d_model if config.prompt else decoder.joint)
    folded = 2 * encoder.d_model * decoder.joint if config.prompt else 0
    joint = (decoder.vocabulary + 1) * decoder.joint
    return encoder.d_model * encoder.conv_channels * width + prediction + projection + folded + joint


def parameter_count(config: ModelConfig) -> int:
    """Values in a checkpoint whose encoder's layers have no biases."""
    encoder, decoder, mel = config.encoder, config.decoder, config.mel
    d_model, channels = encoder.d_model, encoder.conv_channels
    layer = (4 * encoder.expansion + 5 + 3) * d_model**2 + (encoder.conv_kernel + 12 + 2) * d_model
    layer += sum((2 * adapter.dim + 2) * d_model for adapter in encoder.adapters)
    width = (stage_widths(mel.bins)[-1] - 3) // 2 + 1
    subsampling = 3 * 10 * channels + 2 * (channels + 1) * channels + d_model * (channels * width + 1)
    features = mel.bins * (mel.n_fft // 2 + 1) + mel.window
    outputs = decoder.vocabulary + 1
    prediction = outputs * decoder.hidden + decoder.layers * 8 * (decoder.hidden + 1) * decoder.hidden
    joint = (d_model + decoder.hidden + 2) * decoder.joint + outputs * (decoder.joint + 1)
    prompt = (d_model + config.prompt.size + 1 + d_model) * 2 * d_model + d_model if config.prompt else 0
    return features + subsampling + encoder.layers * layer + prediction + joint + prompt


def _bytes_per_stream(config: ModelConfig, dtype: torch.dtype) -> int:
    hidden, cpu = torch.zeros(config.decoder.layers, 1, config.decoder.hidden), torch.device("cpu")
    start = PredictionState(hidden, hidden, torch.zeros(1, config.decoder.joint))
    left = max(left // (right + 1) * (right + 1) for left, right in config.encoder.contexts)
    return StatePool(config, 0, left, start, cpu, dtype).bytes_per_slot


def free_memory(device: torch.device) -> int:
    """Bytes that a process may still take on the device."""
    return torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else free_host_memory()

"""From the parameters that a checkpoint stores to those that the engine computes with. Independent of the container."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from auricle_server.checkpoints.config import ModelConfig
from auricle_server.checkpoints.features import hann_window, mel_filters

_PARTS = ("preprocessor.", "encoder.", "decoder.", "joint.", "prompt_kernel.")
"""The parts of a model that the engine computes with, by the start of their parameters' names."""
_FILTERS, _WINDOW = "preprocessor.featurizer.fb", "preprocessor.featurizer.window"
_BATCH_NORM_EPS = 1e-5
"""PyTorch's default, which NeMo keeps."""


@dataclass(frozen=True, slots=True)
class StoredCheckpoint:
    """What the files of a checkpoint hold, whatever their format.

    Attributes:
        config: Architecture and features, checked.
        weights: Parameters by NeMo's names, in the precision in which they are stored; mapped where possible.
        pieces: Token strings by id, blank excluded; U+2581 marks the start of a word.
    """

    config: ModelConfig
    weights: dict[str, Tensor]
    pieces: tuple[str, ...]


def engine_weights(stored: dict[str, Tensor], config: ModelConfig) -> dict[str, Tensor]:
    """The engine's parameters in fp32.

    Takes the parameters out of `stored`, so that each is freed there before the next one is converted: a checkpoint in
    bf16 then needs little more memory than its fp32 copy.
    """
    weights = {}
    for key in list(stored):
        value = stored.pop(key)
        # Integers are counters of training (``num_batches_tracked``).
        if value.is_floating_point() and key.startswith(_PARTS):
            weights[key] = value.float()
    if not config.encoder.conv_norm:
        fold_batch_norms(weights, config.encoder.layers)
    if _FILTERS not in weights:
        weights[_FILTERS] = mel_filters(config.mel)[None]
    # A stored window replaces the computed one.
    return {_WINDOW: hann_window(config.mel), **weights}


def fold_batch_norms(weights: dict[str, Tensor], layers: int) -> None:
    """Folds each layer's ``conv.batch_norm`` into ``conv.depthwise_conv``, in place.

    After training, a batch norm scales and shifts each channel by constants, and so does the convolution before it.
    A layer with missing parameters is left as it is; `engine.model.parameters` names what is missing.
    """
    for layer in range(layers):
        convolution = f"encoder.layers.{layer}.conv"
        constants = _scale_and_shift(weights, f"{convolution}.batch_norm")
        name = f"{convolution}.depthwise_conv"
        if constants is None or f"{name}.weight" not in weights:
            continue
        scale, shift = constants
        weights[f"{name}.weight"] = weights[f"{name}.weight"] * scale[:, None, None]
        bias = weights.get(f"{name}.bias")
        weights[f"{name}.bias"] = shift if bias is None else bias * scale + shift


def _scale_and_shift(weights: dict[str, Tensor], name: str) -> tuple[Tensor, Tensor] | None:
    """Factor and summand of every channel; NeMo's ``fused_batch_norm`` stores just these two."""
    parts = [weights.get(f"{name}.{part}") for part in ("weight", "bias", "running_mean", "running_var")]
    weight, bias, mean, variance = parts
    if weight is None or bias is None:
        return None
    if mean is None or variance is None:
        return weight, bias
    scale: torch.Tensor = weight / (variance + _BATCH_NORM_EPS).sqrt()
    return scale, bias - mean * scale

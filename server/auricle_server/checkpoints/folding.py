"""A batch norm behind the depthwise convolution, made a part of the convolution.

After training, a batch norm scales and shifts each channel by constants, and so does the convolution before it.
"""

from __future__ import annotations

from torch import Tensor

EPS = 1e-5
"""PyTorch's default, which NeMo leaves as it is."""


def fold_batch_norms(weights: dict[str, Tensor], layers: int) -> None:
    """Folds each layer's ``conv.batch_norm`` into ``conv.depthwise_conv``, in place.

    A layer whose parameters are not all there is left for the engine to complain of.
    """
    for layer in range(layers):
        convolution = f"encoder.layers.{layer}.conv"
        constants = _constants(weights, f"{convolution}.batch_norm")
        name = f"{convolution}.depthwise_conv"
        if constants is None or f"{name}.weight" not in weights:
            continue
        scale, shift = constants
        weights[f"{name}.weight"] = weights[f"{name}.weight"] * scale[:, None, None]
        bias = weights.get(f"{name}.bias")
        weights[f"{name}.bias"] = shift if bias is None else bias * scale + shift


def _constants(weights: dict[str, Tensor], name: str) -> tuple[Tensor, Tensor] | None:
    """What every channel is multiplied by, and what is added then; NeMo's fused form stores just these."""
    parts = [weights.get(f"{name}.{part}") for part in ("weight", "bias", "running_mean", "running_var")]
    weight, bias, mean, variance = parts
    if weight is None or bias is None:
        return None
    if mean is None or variance is None:
        return weight, bias
    scale = weight / (variance + EPS).sqrt()
    return scale, bias - mean * scale

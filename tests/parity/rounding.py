"""How far two correct computations of one encoder may lie apart in fp32."""

from __future__ import annotations

import math

import torch

from auricle_server.checkpoints.load import Checkpoint

_UNIT = 2.0**-24
"""Unit roundoff of fp32."""
_BRANCHES_OF_A_LAYER = 4
"""Two feed-forwards, attention and convolution, each added to what came before."""
_BRANCHES_OF_SUBSAMPLING = 6
"""Its convolutions, depthwise and pointwise, and its projection."""


def rounding(checkpoint: Checkpoint, expected: torch.Tensor) -> float:
    """Most that an encoder frame may differ from `expected`, on any processor, with any BLAS and number of threads.

    A sum of n products is off by up to sqrt(n) roundings of the largest of them (Higham and Mary, A new approach to
    probabilistic rounding error analysis, 2019), and each processor, batch and chunk adds in an order of its own. Every
    branch adds such an error; those of b branches, and of the two computations, are independent, and grow as the root
    of their number. The norm at the end of each layer keeps all of them at the magnitude of the result.

    Measured: up to 0.3 of it, by members of the family with random weights; the demo model 0.18 of it with AVX2 and 0.1
    with AVX-512. A frame that lacks the first or the last frame of its context is off by 2,000 times as much, or more.

    Args:
        checkpoint: Whose encoder.
        expected: Its frames, [T, d_model].
    """
    encoder = checkpoint.config.encoder
    products = encoder.expansion * encoder.d_model
    branches = _BRANCHES_OF_A_LAYER * encoder.layers + _BRANCHES_OF_SUBSAMPLING
    magnitude = max(1.0, float(expected.abs().max())) if len(expected) else 1.0
    return _UNIT * math.sqrt(2 * products * branches) * magnitude

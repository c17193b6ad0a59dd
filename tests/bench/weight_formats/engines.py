"""Engines with a format of weights, whole or in chosen products only."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import torch

from auricle_server.checkpoints.load import Checkpoint
from auricle_server.engine.build import Hardware
from auricle_server.engine.engine import Engine
from auricle_server.engine.model import conformer, fbgemm_products, parameters
from auricle_server.engine.model.conformer import ConformerLayer
from auricle_server.engine.model.linear import PackedLinear
from auricle_server.engine.weight_formats import WeightFormat

AT_ONCE = 20
"""Streams of an engine."""
SEVEN_BITS = 63
"""Levels of a weight on each side of zero without VNNI."""
FP16_MANTISSA = 11
"""Bits of the mantissa of fp16, with the one that is not stored."""
KINDS = (
    "feed-forward 1, up",
    "feed-forward 1, down",
    "query, key and value",
    "attention output",
    "convolution, up",
    "convolution, down",
    "feed-forward 2, up",
    "feed-forward 2, down",
)
"""The products of a layer, in the order in which it packs them."""
Wanted = Callable[[int, str], bool]


def with_remainders(checkpoint: Checkpoint, seed: int = 0) -> Checkpoint:
    """The model with a random remainder of less than half a unit of fp16 on each weight of a matrix, away from zero."""
    generator, weights = torch.Generator().manual_seed(seed), {}
    for name, value in checkpoint.weights.items():
        weights[name] = value
        if value.dim() > 1 and not name.startswith("preprocessor."):
            # A value in [1/2, 1) times 2^e has units of 2^(e - 11).
            _, exponent = torch.frexp(value)
            remainder = torch.empty_like(value).uniform_(0, 0.99, generator=generator)
            weights[name] = value + value.sign() * torch.ldexp(remainder, exponent - FP16_MANTISSA - 1)
    return replace(checkpoint, weights=weights)


@contextmanager
def weight_levels(levels: int | None) -> Iterator[None]:
    """Context in which int8 products are made with so many levels; None leaves them as they are."""
    with ExitStack() as stack:
        if levels is not None:
            stack.enter_context(patch.object(fbgemm_products, "weight_levels", lambda: levels))
        yield


@contextmanager
def only_in_int8(wanted: Wanted) -> Iterator[None]:
    """Context in which a model is built whose products have int8 weights where `wanted(layer, kind)`, else fp32."""
    packing = threading.local()  # layers are packed by several threads

    class CountedLayer(ConformerLayer):
        """Says which layer its thread packs."""

        def __init__(self, index: int, *rest: Any) -> None:
            packing.layer, packing.done = index, 0
            super().__init__(index, *rest)
            assert packing.done == len(KINDS), "a layer has other products than KINDS names"
            packing.layer = None

    def packed(
        weight: torch.Tensor, bias: torch.Tensor | None = None, scale: float = 1.0, weights: object = None
    ) -> PackedLinear:
        """Takes the format of its layer and kind instead of `weights`."""
        chosen = WeightFormat.FLOAT32
        if getattr(packing, "layer", None) is not None:
            chosen = WeightFormat.INT8 if wanted(packing.layer, KINDS[packing.done]) else chosen
            packing.done += 1
        return PackedLinear(weight, bias, scale, chosen)

    with (
        patch.object(conformer, "ConformerLayer", CountedLayer),
        patch.object(parameters, "PackedLinear", packed),
    ):
        yield


def engine(checkpoint: Checkpoint, weights: WeightFormat) -> Engine:
    """An engine for `AT_ONCE` streams."""
    return Engine(checkpoint, slots=AT_ONCE, hardware=Hardware("cpu", torch.float32, weights=weights))

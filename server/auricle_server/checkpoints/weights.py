"""From the parameters that a checkpoint stores to those that the engine computes with. Independent of the container.

Parameters are mapped from the file, looked up one by one, and their pages are given back when the caller drops them: a
model of gigabytes is not in memory twice, and may be read as often as needed.
"""

from __future__ import annotations

import math
import mmap
import weakref
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

import torch
from torch import Tensor

from auricle_server.checkpoints.config import ModelConfig
from auricle_server.checkpoints.features import hann_window, mel_filters
from auricle_server.checkpoints.nemo.parameter_names import check_used, of_disabled

PARTS = frozenset(("preprocessor", "encoder", "decoder", "joint", "prompt_kernel"))
"""The parts of a model that the engine computes with, by the start of their parameters' names."""
_FILTERS, _WINDOW = "preprocessor.featurizer.fb", "preprocessor.featurizer.window"
MOST_AXES = 8
"""Axes of a stored tensor; parameters of the family have up to four."""
_BATCH_NORM_EPS = 1e-5
"""PyTorch's default, which NeMo keeps."""


class MappedFile:
    """A file in the address space. Its pages are dropped again once what was read of them is dropped.

    Args:
        stream: The file, open; it must not be shortened while it is mapped.
    """

    def __init__(self, stream: BinaryIO) -> None:
        # Copy on write: `torch.frombuffer` wants writable memory, and the file must not change.
        self._mapping = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_COPY)

    def __len__(self) -> int:
        return len(self._mapping)

    def span(self, start: int, size: int) -> memoryview:
        """Bytes `start` to `start + size`; changes last while this object, or a tensor made of it, lives."""
        view = memoryview(self._mapping)[start : start + size]
        # Whole pages only: the first and the last one may hold others' bytes as well.
        first, last = -(-start // mmap.PAGESIZE) * mmap.PAGESIZE, (start + size) // mmap.PAGESIZE * mmap.PAGESIZE
        if last > first:
            # Without this a loaded model counts twice in the memory of its process: its pages stay mapped.
            weakref.finalize(view, self._mapping.madvise, mmap.MADV_DONTNEED, first, last - first).atexit = False
        return view


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """Where a parameter lies in a file.

    Attributes:
        file: The file.
        start: First byte.
        dtype: As stored.
        size: Shape.
        stride: Strides in elements.
    """

    file: MappedFile
    start: int
    dtype: torch.dtype
    size: tuple[int, ...]
    stride: tuple[int, ...]

    @property
    def extent(self) -> int:
        """Elements of the file from the first one of the parameter to its last."""
        if not math.prod(self.size):
            return 0
        return 1 + sum((count - 1) * step for count, step in zip(self.size, self.stride, strict=True))

    def map(self) -> Tensor:
        """The parameter as a view of the file."""
        if not self.extent:
            return torch.empty(self.size, dtype=self.dtype)
        view = self.file.span(self.start, self.extent * self.dtype.itemsize)
        return torch.frombuffer(view, dtype=self.dtype, count=self.extent).as_strided(self.size, self.stride)


class StoredWeights(Mapping[str, Tensor]):
    """Parameters by name, each made a tensor when it is looked up.

    Args:
        stored: Where they lie; parameters whose container cannot be mapped are tensors in memory.
    """

    def __init__(self, stored: Mapping[str, StoredTensor | Tensor]) -> None:
        self._stored = stored

    def __getitem__(self, name: str) -> Tensor:
        found = self._stored[name]
        return found.map() if isinstance(found, StoredTensor) else found

    def __iter__(self) -> Iterator[str]:
        return iter(self._stored)

    def __len__(self) -> int:
        return len(self._stored)


class _SinglePrecision(Mapping[str, Tensor]):
    """The parameters `names` of `stored` in fp32, converted when they are looked up; those of `computed` come first."""

    def __init__(self, stored: Mapping[str, Tensor], names: list[str], computed: dict[str, Tensor]) -> None:
        self._stored, self._computed = stored, computed
        self._names = dict.fromkeys([*names, *computed])

    def __getitem__(self, name: str) -> Tensor:
        if name in self._computed:
            return self._computed[name]
        if name not in self._names:
            raise KeyError(name)
        return self._stored[name].float()

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


@dataclass(frozen=True, slots=True)
class StoredCheckpoint:
    """What the files of a checkpoint hold, whatever their format.

    Attributes:
        config: Architecture and features, checked.
        weights: Parameters by NeMo's names, in the precision in which they are stored; mapped where possible.
        pieces: Token strings by id, blank excluded; U+2581 marks the start of a word.
        scores: Logarithms of the pieces' probabilities, of a Unigram tokenizer; None with BPE.
    """

    config: ModelConfig
    weights: Mapping[str, Tensor]
    pieces: tuple[str, ...]
    scores: tuple[float, ...] | None = None


def engine_weights(stored: Mapping[str, Tensor], config: ModelConfig) -> Mapping[str, Tensor]:
    """The engine's parameters in fp32.

    Each is mapped and converted when it is looked up, so that a checkpoint in any precision needs no memory of its own
    beside the one parameter that the engine is reading.

    Raises:
        UnsupportedModel: There are parameters that the engine does not compute with.
    """
    # Integers are counters of training (``num_batches_tracked``).
    named = (name for name in stored if name.partition(".")[0] in PARTS and not of_disabled(name, config))
    names = [name for name in named if stored[name].is_floating_point()]
    check_used(names, config)
    # A stored window replaces the computed one.
    computed = {} if _WINDOW in names else {_WINDOW: hann_window(config.mel)}
    if _FILTERS not in names:
        computed[_FILTERS] = mel_filters(config.mel)[None]
    if not config.encoder.conv_norm:
        computed |= folded_batch_norms(_SinglePrecision(stored, names, {}), config.encoder.layers)
    return _SinglePrecision(stored, names, computed)


def folded_batch_norms(weights: Mapping[str, Tensor], layers: int) -> dict[str, Tensor]:
    """Weights and biases of each layer's ``conv.depthwise_conv`` with its ``conv.batch_norm`` folded into them.

    After training, a batch norm scales and shifts each channel by constants, and so does the convolution before it.
    A layer with missing parameters is left out; `engine.model.parameters` names what is missing.
    """
    folded: dict[str, Tensor] = {}
    for layer in range(layers):
        convolution = f"encoder.layers.{layer}.conv"
        constants = _scale_and_shift(weights, f"{convolution}.batch_norm")
        name = f"{convolution}.depthwise_conv"
        if constants is None or f"{name}.weight" not in weights:
            continue
        scale, shift = constants
        folded[f"{name}.weight"] = weights[f"{name}.weight"] * scale[:, None, None]
        bias = weights.get(f"{name}.bias")
        folded[f"{name}.bias"] = shift if bias is None else bias * scale + shift
    return folded


def _scale_and_shift(weights: Mapping[str, Tensor], name: str) -> tuple[Tensor, Tensor] | None:
    """Factor and summand of every channel; NeMo's ``fused_batch_norm`` stores just these two."""
    parts = [weights.get(f"{name}.{part}") for part in ("weight", "bias", "running_mean", "running_var")]
    weight, bias, mean, variance = parts
    if weight is None or bias is None:
        return None
    if mean is None or variance is None:
        return weight, bias
    scale: torch.Tensor = weight / (variance + _BATCH_NORM_EPS).sqrt()
    return scale, bias - mean * scale

"""One layer's operations at the published models' sizes, in bf16, on random state."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from auricle_server.engine.ops import AttentionInputs, CacheRows, ConvolutionWeights, NormWeights, Ops

D_MODEL, HEADS, TAPS, JOINT = 1024, 8, 9, 640
HEAD_DIM = D_MODEL // HEADS


@dataclass(frozen=True, slots=True)
class Layer:
    """Input and state of `batch` streams, each in its own slot; slot 0 is the trash slot."""

    rows: CacheRows
    x: Tensor
    update: Tensor
    norm: NormWeights
    up: Tensor
    history: Tensor
    convolution: ConvolutionWeights
    attention: AttentionInputs

    def normed(self, ops: Ops) -> Tensor:
        """A residual connection and the norm after it."""
        return ops.add_layer_norm(self.x, self.update, self.norm, self.update.dtype)

    def convolved(self, ops: Ops) -> Tensor:
        """The inside of the convolution module."""
        return ops.convolve(self.up, self.history, self.rows, self.convolution)

    def attended(self, ops: Ops) -> Tensor:
        """Attention."""
        return ops.attend(self.attention, self.rows)


def layer(batch: int, frames: int, left: int, device: torch.device, dtype: torch.dtype = torch.bfloat16) -> Layer:
    """A layer of streams that have been there for a while, but for the first, which is at its start."""
    generator = torch.Generator(device).manual_seed(batch + frames)

    def normal(*shape: int, of: torch.dtype = dtype) -> Tensor:
        return torch.randn(shape, generator=generator, device=device, dtype=of)

    slots = torch.randperm(batch, generator=generator, device=device) + 1
    position = torch.randint(1, 5000, (batch,), generator=generator, device=device)
    position[0] = 0
    distances = left + 2 * frames - 1
    exact = torch.float32
    rows = CacheRows(slots, slots.clone(), position, torch.full_like(slots, frames), left // frames * frames, left)
    x, update = normal(batch, frames, D_MODEL, of=exact), normal(batch, frames, D_MODEL)
    norm = NormWeights(normal(D_MODEL, of=exact), normal(D_MODEL, of=exact))
    up, history = normal(batch, frames, 2 * D_MODEL), normal(batch + 1, TAPS - 1, D_MODEL)
    convolution = ConvolutionWeights(normal(TAPS, D_MODEL) / 3, None, norm)
    attention = AttentionInputs(
        qkv=normal(batch, frames, 3, HEADS, HEAD_DIM),
        by_position=normal(HEADS, batch * frames, distances),
        keys=normal(batch + 1, HEADS, left, HEAD_DIM),
        values=normal(batch + 1, HEADS, left, HEAD_DIM),
        bias_u=normal(HEADS, HEAD_DIM, of=exact),
        constant=normal(HEADS, distances, of=exact),
    )
    return Layer(rows, x, update, norm, up, history, convolution, attention)

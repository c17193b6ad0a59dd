"""Multi-head attention with relative positions over a ring of keys and values.

Relative positions are those of Transformer-XL, as in NeMo's `RelPositionMultiHeadAttention`.

Keys and values are kept after their projection, in a ring of `left` frames per slot: frame j lies in row j % left, so
which frame a row holds is arithmetic on the stream's position. The table of relative positions is projected once per
layer, and its product with NeMo's ``pos_bias_v`` is a constant.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from auricle_server.checkpoints.config import EncoderConfig
from auricle_server.engine.model.parameters import Parameters
from auricle_server.engine.model.state_pool import LayerState
from auricle_server.engine.ops import AttentionInputs, CacheRows, Ops

ALIGNED = 8
"""Elements. A row of bf16 values then starts on a multiple of 16 bytes, which tensor cores can load at once."""


def relative_positions(d_model: int, farthest: int, nearest: int, device: torch.device) -> Tensor:
    """Sinusoids of the distances `farthest` down to `nearest`, [farthest - nearest + 1, d_model], fp32."""
    distance = torch.arange(farthest, nearest - 1, -1, device=device, dtype=torch.float32)
    frequency = torch.exp(torch.arange(0, d_model, 2, device=device) * -(math.log(10000.0) / d_model))
    angle = distance[:, None] * frequency
    # Sines in the even columns, cosines in the odd ones: NeMo's `PositionalEncoding.create_pe`.
    return torch.stack((angle.sin(), angle.cos()), 2).flatten(1)


def _padded(table: Tensor) -> Tensor:
    """Zeros to the right, up to a width at which tensor cores read rows 16 bytes at a time in either precision."""
    return F.pad(table, (0, -table.shape[-1] % ALIGNED))


class RelativeAttention:
    """One layer's attention.

    Args:
        prefix: Name of the layer's attention in the checkpoint.
        config: Architecture.
        chunk_sizes: Chunk sizes in use; a position table is projected for each.
        left: Frames of the ring.
        parameters: The model's.
        ops: How to compute.
    """

    def __init__(
        self, prefix: str, config: EncoderConfig, chunk_sizes: list[int], left: int, parameters: Parameters, ops: Ops
    ) -> None:
        d_model = config.d_model
        self._ops = ops
        self._heads, self._head_dim = config.heads, d_model // config.heads
        projections = [f"{prefix}.linear_{kind}" for kind in "qkv"]
        weights = [parameters.matrix(f"{name}.weight", d_model, d_model) for name in projections]
        biases = [parameters.bias(f"{name}.bias", d_model) for name in projections]
        # The published models have no biases here (``use_bias: false``).
        present = [bias for bias in biases if bias is not None]
        self._qkv = parameters.product(torch.cat(weights), torch.cat(present) if present else None)
        self._out = parameters.linear(f"{prefix}.linear_out", d_model, d_model)
        shape = config.heads, self._head_dim
        self._bias_u = parameters.exact(f"{prefix}.pos_bias_u", *shape)
        bias_v = parameters.exact(f"{prefix}.pos_bias_v", *shape)
        # The chunk's last frame looks back by up to left + c - 1, its first one ahead by up to c - 1.
        longest = max(chunk_sizes)
        table = self._table(prefix, d_model, left + longest - 1, 1 - longest, parameters)
        # (q + v) p = q p + v p, and v p needs no audio. NeMo projects the positions anew in every step of every layer.
        constant = (bias_v[:, None] @ table)[:, 0]
        views = {c: slice(longest - c, table.shape[2] - longest + c) for c in chunk_sizes}
        # On a CPU views of the whole table, which would else be there many times.
        shared = parameters.device.type == "cpu" and parameters.dtype == torch.float32
        fitted: Callable[[Tensor], Tensor] = (lambda part: part) if shared else _padded
        self._constants = {c: fitted(constant[:, view]).contiguous() for c, view in views.items()}
        self._tables = {c: fitted(table[:, :, view]).to(parameters.dtype) for c, view in views.items()}

    def _table(self, prefix: str, d_model: int, farthest: int, nearest: int, parameters: Parameters) -> Tensor:
        """Projected relative positions, [heads, head_dim, distances], fp32."""
        sinusoids = relative_positions(d_model, farthest, nearest, parameters.device)
        projected = F.linear(sinusoids, parameters.exact(f"{prefix}.linear_pos.weight", d_model, d_model))
        return projected.view(-1, self._heads, self._head_dim).permute(1, 2, 0).contiguous()

    def __call__(self, x: Tensor, state: LayerState, rows: CacheRows) -> Tensor:
        """Attends from each chunk to its ring and itself, and appends the chunk to the ring.

        Args:
            x: Normalised layer input, [B, c, d_model].
            state: Pools of the layer; its rings are read and written.
            rows: Where the rows stand.

        Returns:
            [B, c, d_model].
        """
        batch, frames, _ = x.shape
        qkv = self._qkv(x).view(batch, frames, 3, self._heads, self._head_dim)
        query = qkv.view(batch * frames, 3, self._heads, self._head_dim)[:, 0].transpose(0, 1)
        # NeMo's `rel_shift` copies these products to align them; here an index does, in `RingView` or in the kernel.
        size = rows.chunk or frames
        by_position = query @ self._tables[size]
        inputs = AttentionInputs(
            qkv,
            by_position,
            state.keys,
            state.values,
            self._bias_u,
            self._constants[size],
            state.key_scales,
            state.value_scales,
        )
        return self._out(self._ops.attend(inputs, rows))

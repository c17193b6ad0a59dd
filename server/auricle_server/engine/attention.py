"""Multi-head attention with relative positions over a ring of keys and values.

Relative positions are those of Transformer-XL, as in NeMo's `RelPositionMultiHeadAttention`.

Keys and values are kept after their projection, in a ring of `left` frames per slot: frame j lies in row j % left, so
which frame a row holds is arithmetic on the stream's position. The table of relative positions is projected once per
layer. Softmax in fp32.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from auricle_server.checkpoints.config import EncoderConfig
from auricle_server.engine.parameters import Parameters


@dataclass(frozen=True, slots=True)
class RingView:
    """Where each row of a batch stands on its ring; shared by all layers of a step.

    Attributes:
        visible: Keys that a row may see, [B, left + c]: the ring, then the chunk itself.
        distance: Index into the relative position table of each query and key, [B, 1, c, left + c].
        written: Ring rows that the chunk's frames will take, [B, c].
    """

    visible: Tensor
    distance: Tensor
    written: Tensor


def ring_view(position: Tensor, valid: Tensor, left: int, reach: int, frames: int) -> RingView:
    """Places a batch of chunks on their rings.

    Args:
        position: First encoder frame of each row, [B].
        valid: Frames of each row that lie inside its stream, [B].
        left: Frames of the ring.
        reach: Frames before the chunk that it may see.
        frames: Frames of the chunk, c.
    """
    step = torch.arange(frames, device=position.device)
    ring = torch.arange(left, device=position.device)
    newest = position[:, None] - 1
    held = newest - (newest - ring) % left
    in_reach = (held >= 0) & (held >= position[:, None] - reach)
    key = torch.cat((torch.where(in_reach, held, position[:, None]), position[:, None] + step), 1)
    visible = torch.cat((in_reach, step < valid[:, None]), 1)
    distance = (position[:, None] + step)[:, :, None] - key[:, None, :]
    index = (left + frames - 1) - distance
    return RingView(visible, index.unsqueeze(1), (position[:, None] + step) % left)


def relative_positions(d_model: int, farthest: int, nearest: int, device: torch.device) -> Tensor:
    """Sinusoids of the distances `farthest` down to `nearest`, [farthest - nearest + 1, d_model], fp32."""
    distance = torch.arange(farthest, nearest - 1, -1, device=device, dtype=torch.float32)
    frequency = torch.exp(torch.arange(0, d_model, 2, device=device) * -(math.log(10000.0) / d_model))
    angle = distance[:, None] * frequency
    return torch.stack((angle.sin(), angle.cos()), 2).flatten(1)


class RelativeAttention:
    """One layer's attention.

    Args:
        prefix: Name of the layer's attention in the checkpoint.
        config: Architecture.
        chunk_sizes: Chunk sizes in use; a position table is projected for each.
        left: Frames of the ring.
        parameters: The model's.
    """

    def __init__(
        self, prefix: str, config: EncoderConfig, chunk_sizes: list[int], left: int, parameters: Parameters
    ) -> None:
        d_model = config.d_model
        self._heads, self._head_dim = config.heads, d_model // config.heads
        projections = [f"{prefix}.linear_{kind}" for kind in "qkv"]
        self._qkv = torch.cat([parameters.matrix(f"{name}.weight", d_model, d_model) for name in projections])
        biases = [parameters.bias(f"{name}.bias", d_model) for name in projections]
        present = [bias for bias in biases if bias is not None]
        self._qkv_bias = torch.cat(present) if present else None
        self._out = parameters.matrix(f"{prefix}.linear_out.weight", d_model, d_model)
        self._out_bias = parameters.bias(f"{prefix}.linear_out.bias", d_model)
        shape = config.heads, self._head_dim
        self._bias_u = parameters.exact(f"{prefix}.pos_bias_u", *shape).to(parameters.dtype)
        self._bias_v = parameters.exact(f"{prefix}.pos_bias_v", *shape).to(parameters.dtype)
        self._tables = {c: self._table(prefix, d_model, left + c - 1, 1 - c, parameters) for c in chunk_sizes}

    def _table(self, prefix: str, d_model: int, farthest: int, nearest: int, parameters: Parameters) -> Tensor:
        """Projected relative positions, [heads, head_dim, distances]."""
        sinusoids = relative_positions(d_model, farthest, nearest, parameters.device).to(parameters.dtype)
        projected = F.linear(sinusoids, parameters.matrix(f"{prefix}.linear_pos.weight", d_model, d_model))
        return projected.view(-1, self._heads, self._head_dim).permute(1, 2, 0).contiguous()

    def __call__(self, x: Tensor, keys: Tensor, values: Tensor, view: RingView) -> tuple[Tensor, Tensor, Tensor]:
        """Attends from each chunk to its ring and itself.

        Args:
            x: Normalised layer input, [B, c, d_model].
            keys: The rows' rings, [B, left, heads, head_dim].
            values: Likewise.
            view: Where the rows stand.

        Returns:
            Output [B, c, d_model], and the chunk's own keys and values, [B, c, heads, head_dim], for the ring.
        """
        batch, frames, d_model = x.shape
        qkv = F.linear(x, self._qkv, self._qkv_bias).view(batch, frames, 3, self._heads, self._head_dim)
        query, key, value = qkv.unbind(2)
        all_keys = torch.cat((keys, key), 1).transpose(1, 2)
        all_values = torch.cat((values, value), 1).transpose(1, 2)
        by_position = (query + self._bias_v).transpose(1, 2) @ self._tables[frames]
        bias = by_position.gather(3, view.distance.expand(-1, self._heads, -1, -1)) * self._head_dim**-0.5
        bias = bias.masked_fill(~view.visible[:, None, None], float("-inf"))
        out = F.scaled_dot_product_attention((query + self._bias_u).transpose(1, 2), all_keys, all_values, bias)
        out = out.transpose(1, 2).reshape(batch, frames, d_model)
        return F.linear(out, self._out, self._out_bias), key, value

"""Which keys a batch's queries see, and where new keys go, as index tensors for the portable operations."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from auricle_server.engine.ops import fp8
from auricle_server.engine.ops.inputs import CacheRows


@dataclass(frozen=True, slots=True)
class RingView:
    """The same for all layers of a step. K = left + c keys: the rows of the ring, then the chunk.

    Attributes:
        hidden: What is added to the scores: -inf for a key that a query may not see, else 0, [B, 1, q, K]; q is 1
            where all queries of a row see the same, in rows of several chunks it is c.
        blind: Queries that see no key at all, [B, 1, q, 1]; None on a CPU where each of them sees one.
        index: Position of each query's distance to each key in a table of distances, [B, H, c, K].
        written: Rows of a pool [rows * H * left, D] that the chunk's frames take, [B * H * min(c, left)].
    """

    hidden: Tensor
    blind: Tensor | None
    index: Tensor
    written: Tensor

    @classmethod
    def of(cls, rows: CacheRows, frames: int, heads: int) -> RingView:
        """The view of chunks of `frames` frames.

        The newest frame before the chunk has age 0; the frame of ring row r has age (position - 1 - r) % left.
        """
        left, position = rows.left, rows.position[:, None]
        step = torch.arange(frames, device=position.device)
        age = (position - 1 - torch.arange(left, device=position.device)) % left
        visible = _visible(rows, frames, age, step)
        hidden = torch.zeros(visible.shape, device=visible.device).masked_fill_(~visible, float("-inf"))
        age_of_key = torch.cat((age, (-1 - step).expand(len(age), -1)), 1)  # a key of the chunk is younger than age 0
        size = rows.chunk or frames
        index = (left + size - 2) - step[:, None] - age_of_key[:, None, :]
        if rows.chunk:
            index.clamp_(0, left + 2 * size - 2)  # keys outside the table are keys that no query sees
        index = index[:, None].expand(-1, heads, -1, -1).contiguous()
        blind = ~visible.any(2, keepdim=True)[:, None]
        nobody = blind.device.type == "cpu" and not blind.any()  # elsewhere the question would wait for the device
        return cls(hidden[:, None], None if nobody else blind, index, _written(rows, step[-left:], heads))

    def append(self, pool: Tensor, chunk: Tensor, scales: Tensor | None = None) -> None:
        """Writes the chunk's keys or values [B, H, c, D] into the rings of `pool` [rows, H, left, D].

        With `scales` [rows, H, left] they are kept as `fp8.quantised` rows.
        """
        # A row of several chunks may be longer than the ring. Its first frames would share ring rows with its last,
        # and `index_copy_` keeps any one of several values for the same row.
        newest = chunk if chunk.shape[2] <= pool.shape[2] else chunk[:, :, -pool.shape[2] :]
        source = newest.reshape(-1, chunk.shape[3])
        if scales is not None:
            source, scale = fp8.quantised(source)
            scales.view(-1).index_copy_(0, self.written, scale[:, 0].to(scales.dtype))
            pool, source = pool.view(torch.uint8), source.view(torch.uint8)  # copies know no FP8
        source = source if source.dtype == pool.dtype else source.to(pool.dtype)
        pool.view(-1, pool.shape[3]).index_copy_(0, self.written, source)


def _visible(rows: CacheRows, frames: int, age: Tensor, step: Tensor) -> Tensor:
    """Which keys each query of a row sees, [B, q, K]; see `RingView.hidden`."""
    begin = step // rows.chunk * rows.chunk if rows.chunk else step.new_zeros(1)  # of each query's chunk
    begin = begin[:, None]
    # Frames before 0 do not exist: their ring rows still hold the slot's stream before this one.
    of_ring = age[:, None] < torch.minimum(rows.position[:, None, None], rows.reach - begin)
    of_row = (step >= begin - rows.reach) & (step < begin + (rows.chunk or frames))
    return torch.cat((of_ring, of_row & (step < rows.valid[:, None])[:, None]), 2)


def _written(rows: CacheRows, step: Tensor, heads: int) -> Tensor:
    """See `RingView.written`; `step` counts the frames that are kept."""
    head = torch.arange(heads, device=step.device)[:, None]
    ring = rows.write_slots[:, None, None] * heads + head
    return (ring * rows.left + (rows.position[:, None] + step)[:, None] % rows.left).flatten()

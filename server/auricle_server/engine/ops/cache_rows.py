"""Where the rows of a batch stand: their slots in the state pools and their positions on the rings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class CacheRows:
    """Shared by all layers of a step; B rows. Each step makes its own, and its tensors keep their values meanwhile.

    Attributes:
        slots: Where each row's state is, [B], int64.
        kept_in: Where its new state goes: its slot, or the trash slot when it must not be kept, [B], int64.
        position: First encoder frame of the chunk, [B], int64.
        valid: Frames of the chunk that lie inside the stream, [B], int64; 0 for a row that only pads the batch.
        reach: Frames before the chunk that it may see, at most `left`.
        left: Frames of the attention ring; frame a lies in ring row a % left.
        chunk: Frames that see each other and `reach` frames before them, where a row holds several such chunks, one
            after the other; 0 where a row is one chunk. Only the portable operations know rows of several.
    """

    slots: Tensor
    kept_in: Tensor
    position: Tensor
    valid: Tensor
    reach: int
    left: int
    chunk: int = 0

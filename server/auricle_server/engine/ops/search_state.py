"""State of a greedy search over one batch of chunks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class SearchState:
    """Label looping over B rows; every tensor is updated in place.

    `capacity` must be at least frames of the chunk times most symbols of a frame: no search finds more.

    Attributes:
        time: Frame at which the row looks for its next label, [B], int64.
        repeats: Labels that it found on this frame already, [B], int32.
        count: Labels found so far, [B], int32.
        label: The latest label, [B], int64.
        active: Whether the latest round found a label, [B], bool.
        pending: Rows that are not at their end yet, [1], int32.
        tokens: Labels in the order of emission, [capacity, B], int32.
        frames: The frame of each within the chunk, [capacity, B], int32.
        log_probabilities: Their log probabilities, [capacity, B], fp32.
        powers: Sums of the probabilities to the power of `ALPHA` where they were chosen, [capacity, B], fp32.
    """

    time: Tensor
    repeats: Tensor
    count: Tensor
    label: Tensor
    active: Tensor
    pending: Tensor
    tokens: Tensor
    frames: Tensor
    log_probabilities: Tensor
    powers: Tensor

"""What goes into the engine and what comes out: columns over many streams, no tensors, no callers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import numpy.typing as npt

Pcm = npt.NDArray[np.int16]
"""Audio, 16 kHz mono."""
Phrases = tuple[str, ...]
"""Key terms, as the user writes them."""

NO_MARK = -1
"""In `StepResults.marks`: the row answers no flush."""


class EngineError(Exception):
    """Base of the engine's errors."""


class NoSlot(EngineError):
    """Every slot is leased."""


class UnknownLatency(EngineError):
    """The model offers no such chunk latency; the message lists those it does."""


class UnknownLanguage(EngineError):
    """The model offers no such language; the message lists those it does."""


class LeaseEnded(EngineError):
    """The lease was closed, or its last flush is already queued."""


@dataclass(frozen=True, slots=True)
class Lease:
    """One stream's hold on a slot.

    Attributes:
        id: Never used twice, so a result can't be taken for that of a predecessor in the same slot.
        slot: Row of the state pool, from 1 on.
    """

    id: int
    slot: int


@dataclass(frozen=True, slots=True)
class RowResult:
    """What one chunk of one stream brought.

    Attributes:
        lease: Whose.
        samples: Audio position on which the result rests: samples of the stream consumed so far.
        tokens: New token ids.
        frames: Absolute encoder frame of each token's emission.
        probabilities: Softmax probability of each token.
        confidences: Confidence of each token by entropy, 0 to 1.
        mark: The mark of the flush that this answers, else None.
        ended: Whether the flush was the stream's last and the lease is closed.
    """

    lease: Lease
    samples: int
    tokens: tuple[int, ...] = ()
    frames: tuple[int, ...] = ()
    probabilities: tuple[float, ...] = ()
    confidences: tuple[float, ...] = ()
    mark: int | None = None
    ended: bool = False


@dataclass(frozen=True, slots=True)
class StepResults:
    """What a step brought, column by column; row i is about the stream in `slots[i]`.

    Attributes:
        slots: [B].
        leases: Lease ids that the rows were computed for, [B].
        samples: Audio position on which each row rests, [B].
        marks: The flush that a row answers, or `NO_MARK`, [B].
        ended: Whether that flush was the stream's last, and the lease is closed, [B].
        counts: Tokens of each row, [B].
        tokens: Token ids, row after row, [sum(counts)].
        frames: Absolute encoder frame of each token's emission, likewise.
        probabilities: Softmax probability of each token, likewise.
        confidences: Confidence of each token by entropy, 0 to 1, likewise.
        seconds: From the launch of the step to its results; 0 when nothing was computed.
        chunk_frames: Encoder frames of the step's chunks; 0 when nothing was computed.
        computed: Rows computed on the device; the others were answers that needed no computing.
        waited: Seconds that the host only waited for the device; 0 where the host itself computes.
    """

    slots: npt.NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    leases: npt.NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    samples: npt.NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    marks: npt.NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    ended: npt.NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, np.bool_))
    counts: npt.NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    tokens: npt.NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    frames: npt.NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    probabilities: npt.NDArray[np.float32] = field(default_factory=lambda: np.empty(0, np.float32))
    confidences: npt.NDArray[np.float32] = field(default_factory=lambda: np.empty(0, np.float32))
    seconds: float = 0.0
    chunk_frames: int = 0
    computed: int = 0
    waited: float = 0.0

    OF_TOKENS: ClassVar = ("tokens", "frames", "probabilities", "confidences")
    COLUMNS: ClassVar = ("slots", "leases", "samples", "marks", "ended", "counts", *OF_TOKENS)

    def __len__(self) -> int:
        return len(self.slots)

    def rows(self) -> list[RowResult]:
        """The same, an object for each row: for callers with few streams."""
        tokens, frames = self.tokens.tolist(), self.frames.tolist()
        probabilities, confidences = self.probabilities.tolist(), self.confidences.tolist()
        ends = np.cumsum(self.counts).tolist()
        columns = zip(self.slots.tolist(), self.leases.tolist(), self.samples.tolist(), strict=True)
        answers = zip(self.marks.tolist(), self.ended.tolist(), strict=True)
        rows, begin = [], 0
        for (slot, lease, samples), (mark, ended), end in zip(columns, answers, ends, strict=True):
            found = tuple(tokens[begin:end]), tuple(frames[begin:end])
            scores = tuple(probabilities[begin:end]), tuple(confidences[begin:end])
            rows.append(
                RowResult(Lease(lease, slot), samples, *found, *scores, None if mark == NO_MARK else mark, ended)
            )
            begin = end
        return rows

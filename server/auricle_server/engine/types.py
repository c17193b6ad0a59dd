"""What goes into the engine and what comes out: no tensors, no callers."""

from __future__ import annotations

from dataclasses import dataclass


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
class EngineInfo:
    """What callers may know of the model that an engine runs.

    Attributes:
        name: Model name as users give it.
        pieces: Token strings by id, blank excluded.
        latencies_ms: Chunk latencies offered, ascending.
        default_latency_ms: The one to take when nobody chooses.
        languages: Codes offered.
        default_language: The one to take when nobody chooses.
        frame_seconds: Length of an encoder frame.
        slots: Streams that fit.
    """

    name: str
    pieces: tuple[str, ...]
    latencies_ms: tuple[int, ...]
    default_latency_ms: int
    languages: tuple[str, ...]
    default_language: str
    frame_seconds: float
    slots: int


@dataclass(frozen=True, slots=True)
class RowResult:
    """What one chunk of one stream brought.

    Attributes:
        lease: Whose.
        samples: Audio position on which the result rests: samples of the stream consumed so far.
        tokens: New token ids.
        frames: Absolute encoder frame of each token's emission.
        probabilities: Softmax probability of each token.
        mark: The mark of the flush that this answers, else None.
        ended: Whether the flush was the stream's last and the lease is closed.
    """

    lease: Lease
    samples: int
    tokens: tuple[int, ...] = ()
    frames: tuple[int, ...] = ()
    probabilities: tuple[float, ...] = ()
    mark: int | None = None
    ended: bool = False

"""What every detector answers, and how it is asked. Positions are samples at 16 kHz."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class TurnStarted:
    """The first word of a turn was heard."""


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """The turn is over.

    Attributes:
        probability: 0 to 1.
    """

    probability: float = 1.0


Decision = TurnStarted | TurnEnded


class Detector(Protocol):
    """Decides on turns, chunk by chunk.

    Attributes:
        open: Whether a turn has started and not ended.
        eager: How probably the turn under way has ended, from 0 to 1, once that is worth saying; None otherwise.
    """

    open: bool
    eager: float | None

    def feed(self, position: int, speech_end: int | None) -> list[Decision]:
        """One chunk was decoded.

        Args:
            position: Audio position on which the chunk's result rests.
            speech_end: Where the last word so far ended; None before the first.
        """
        ...

    def segment_ended(self) -> None:
        """The open segment was cut: its `Final` goes out."""
        ...

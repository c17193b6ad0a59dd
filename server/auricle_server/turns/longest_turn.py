"""Bounds how long speech may go on without a final. Pure; positions are samples at 16 kHz.

Hold music with singing, an announcement or a monologue has no silence that ends a turn. Where a client asks for it, the
turn then ends by its age: at once in a pause, otherwise at an earlier pause between two words, so that no word is cut.
"""

from __future__ import annotations

from auricle_server.ipc.messages import SAMPLE_RATE

PAUSE = 2 * SAMPLE_RATE // 5
"""A pause of this length is as good a place as any longer one. Within a phrase, decoders seldom leave one so long."""
GRACE = 2 * SAMPLE_RATE
"""Speech without any gap between words is cut after this long all the same: scripts without blanks have no words."""


class LongestTurn:
    """The age of the open turn, or in mode ``"off"`` of the open segment.

    Args:
        seconds: From which on it ends; None for never.
        start: As the attribute.

    Attributes:
        start: Where its first word starts; None while there is none.
    """

    def __init__(self, seconds: float | None, start: int | None = None) -> None:
        self.start = start
        self._most = None if seconds is None else round(seconds * SAMPLE_RATE)

    def is_over(self, position: int) -> bool:
        """Whether the turn is so old that it ends."""
        return self._age(position) >= 0

    def must_be_cut(self, position: int) -> bool:
        """Whether it is so much older that it ends wherever it is."""
        return self._age(position) >= GRACE

    def earliest_border(self, position: int) -> int:
        """Where the turn may end at the earliest: after an early end, the next turn would be almost as old."""
        return position - (self._most or 0) // 2

    def _age(self, position: int) -> int:
        """Samples beyond the most; negative below."""
        if self.start is None or self._most is None:
            return -1
        return position - self.start - self._most

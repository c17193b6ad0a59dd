"""No turn detection: the client decides by its finalizes, and every segment is a turn of its own."""

from __future__ import annotations

from auricle_server.turns.detector import Decision, TurnEvidence, TurnStarted


class OffDetector:
    """Reports where speech starts, once in each segment, and never ends a turn.

    Args:
        is_open: Whether the open segment has words already.
        speech_end: Speech up to this position belongs to earlier segments.
    """

    def __init__(self, *, is_open: bool = False, speech_end: int = 0) -> None:
        self._speech_end = speech_end
        self.open = is_open
        self.eager: float | None = None
        self.silence: int | None = None
        self.probability: float | None = None

    def feed(self, evidence: TurnEvidence) -> list[Decision]:
        """See `TurnDetector.feed`."""
        self.silence = None if evidence.speech_end is None else evidence.position - evidence.speech_end
        if evidence.speech_end is None or evidence.speech_end <= self._speech_end:
            return []
        self._speech_end = evidence.speech_end
        if self.open:
            return []
        self.open = True
        return [TurnStarted()]

    def segment_ended(self) -> None:
        """The next word starts speech again."""
        self.open = False

    def cut(self, position: int) -> None:
        """See `TurnDetector.cut`."""
        self.open, self._speech_end = False, position

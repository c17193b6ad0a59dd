"""No turn detection: the client decides by its finalizes, so every segment is a turn of its own."""

from __future__ import annotations

from auricle_server.turns.detector import Decision, TurnEvidence, TurnStarted


class OffDetector:
    """Says where speech starts, once a segment, and never ends a turn.

    Args:
        is_open: Whether the open segment holds words already.
        heard: Speech up to this position belongs to segments that are over.
    """

    def __init__(self, *, is_open: bool = False, heard: int = 0) -> None:
        self._heard = heard
        self.open = is_open
        self.eager: float | None = None

    def feed(self, heard: TurnEvidence) -> list[Decision]:
        """See `Detector.feed`."""
        if heard.speech_end is None or heard.speech_end <= self._heard:
            return []
        self._heard = heard.speech_end
        if self.open:
            return []
        self.open = True
        return [TurnStarted()]

    def segment_ended(self) -> None:
        """The next word starts anew."""
        self.open = False

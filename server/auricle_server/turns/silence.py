"""Ends a turn when no word has come for a while.

The decision falls on the first chunk at which `position - speech_end` has reached the silence of the settings; as
positions advance by one chunk, it is then less than that silence plus one chunk. Punctuation does not move
`speech_end`, so a late full stop does not delay the end.
"""

from __future__ import annotations

from auricle_server.turns.detector import Decision, TurnEnded, TurnEvidence, TurnStarted


class SilenceDetector:
    """Ends a turn after `silence` samples without a word.

    Args:
        silence: In samples at 16 kHz.
        eager_silence: A shorter silence, after which the turn has probably ended; None for never.
        group: While a dictation goes on, the silence is at least this, and the shorter one longer in proportion.
        is_open: Whether a turn is open already.
        speech_end: Speech up to this position belongs to earlier turns.
    """

    def __init__(
        self,
        silence: int,
        eager_silence: int | None = None,
        *,
        group: int = 0,
        is_open: bool = False,
        speech_end: int = 0,
    ) -> None:
        self._silence, self._group = silence, group
        self._eager_silence = eager_silence
        self._speech_end = speech_end
        self.open = is_open
        self.eager: float | None = None
        self.silence: int | None = None
        self.probability: float | None = None

    def feed(self, evidence: TurnEvidence) -> list[Decision]:
        """See `TurnDetector.feed`. A turn may start and end with one long chunk, when its only word is early in it."""
        position, speech_end = evidence.position, evidence.speech_end
        if speech_end is None:
            return []
        decisions: list[Decision] = []
        if not self.open and speech_end > self._speech_end:
            self.open = True
            decisions.append(TurnStarted())
        silence = max(self._silence, self._group) if evidence.dictating else self._silence
        self.silence = position - speech_end
        # A word may last beyond the audio that shows it: its end is reckoned.
        self.probability = min(max(self.silence, 0) / silence, 1.0) if self.open else None
        if self.open and self.silence >= silence:
            self.open = False
            decisions.append(TurnEnded())
        self._speech_end = speech_end
        self.eager = self._likelihood(self.silence / silence)
        return decisions

    def _likelihood(self, share: float) -> float | None:
        """The share of the silence that has passed, as silence alone gives no probability."""
        if not self.open or self._eager_silence is None or share < self._eager_silence / self._silence:
            return None
        return share

    def segment_ended(self) -> None:
        """Changes nothing: a turn may span several segments."""

    def cut(self, position: int) -> None:
        """See `TurnDetector.cut`."""
        self.open, self.eager, self.probability, self._speech_end = False, None, None, position

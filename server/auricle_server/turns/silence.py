"""A turn ends when no word has come for a while.

The decision falls on the first chunk at which `position - speech_end` has reached the silence asked for; as positions
advance by one chunk, it is then less than that silence plus one chunk. Punctuation is no speech: it moves no
`speech_end`, so a late full stop delays nothing.
"""

from __future__ import annotations

from auricle_server.turns.detector import Decision, TurnEnded, TurnEvidence, TurnStarted


class SilenceDetector:
    """Ends a turn after `silence` samples without a word.

    Args:
        silence: In samples at 16 kHz.
        eager_silence: A shorter silence, after which the turn has probably ended; None for never.
        is_open: Whether a turn is under way already.
        heard: Speech up to this position belongs to turns that are over.
    """

    def __init__(
        self, silence: int, eager_silence: int | None = None, *, is_open: bool = False, heard: int = 0
    ) -> None:
        self._silence = silence
        self._eager_silence = eager_silence
        self._heard = heard
        self.open = is_open
        self.eager: float | None = None

    def feed(self, heard: TurnEvidence) -> list[Decision]:
        """See `Detector.feed`. A word that a long chunk holds early may start and end its turn at once."""
        position, speech_end = heard.position, heard.speech_end
        if speech_end is None:
            return []
        decisions: list[Decision] = []
        if not self.open and speech_end > self._heard:
            self.open = True
            decisions.append(TurnStarted())
        if self.open and position - speech_end >= self._silence:
            self.open = False
            decisions.append(TurnEnded())
        self._heard = speech_end
        self.eager = self._likelihood(position - speech_end)
        return decisions

    def _likelihood(self, silent: int) -> float | None:
        """Silence alone knows no probability; the share of the silence that has passed stands for it."""
        if not self.open or self._eager_silence is None or silent < self._eager_silence:
            return None
        return silent / self._silence

    def segment_ended(self) -> None:
        """A turn may span several segments: nothing changes."""

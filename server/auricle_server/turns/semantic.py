"""A turn ends when, by all that was heard, it has probably ended.

Asked at every chunk: the decision falls on the first one at which the probability reaches the threshold, so a turn that
sounds and reads complete ends soon, and one that breaks off in mid-sentence gets time. Two silences bound it: none ends
with less than the shorter, and none goes on with more than the longer without a word, whatever the signals say.
"""

from __future__ import annotations

from auricle_server.turns.detector import Decision, TurnEnded, TurnEvidence, TurnStarted
from auricle_server.turns.fusion import likelihood, silence_of


class SemanticDetector:
    """Ends a turn by its probability. Silences are samples at 16 kHz.

    Args:
        end: Probability from which on the turn has ended.
        eager: A lower one from which on it has probably ended; None for never.
        shortest: No turn ends with less silence.
        longest: Every turn ends when no word has come for this long.
        is_open: Whether a turn is under way already.
        heard: Speech up to this position belongs to turns that are over.
    """

    def __init__(
        self, end: float, eager: float | None, shortest: int, longest: int, *, is_open: bool = False, heard: int = 0
    ) -> None:
        self._end, self._eager = end, eager
        self._shortest, self._longest = shortest, longest
        self._heard = heard
        self.open = is_open
        self.eager: float | None = None

    def feed(self, heard: TurnEvidence) -> list[Decision]:
        """See `Detector.feed`. A word that a long chunk holds early may start and end its turn at once."""
        if heard.speech_end is None:
            return []
        decisions: list[Decision] = []
        if not self.open and heard.speech_end > self._heard:
            self.open = True
            decisions.append(TurnStarted())
        self._heard = heard.speech_end
        probability = self._probability(heard) if self.open else 0.0
        if probability >= self._end:
            self.open = False
            decisions.append(TurnEnded(probability))
        self.eager = probability if self.open and self._eager is not None and probability >= self._eager else None
        return decisions

    def _probability(self, heard: TurnEvidence) -> float:
        assert heard.speech_end is not None, "an open turn has words"
        if heard.position - heard.speech_end >= self._longest:
            return 1.0
        return likelihood(heard) if silence_of(heard) >= self._shortest else 0.0

    def segment_ended(self) -> None:
        """A turn may span several segments: nothing changes."""

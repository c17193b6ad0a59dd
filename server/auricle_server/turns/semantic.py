"""Ends a turn when, by its words and its sound, it has probably ended.

The decision falls on the first chunk at which the probability reaches the threshold: a turn that sounds and reads
complete ends soon, and one that breaks off in mid-sentence gets time. Two silences bound it: no turn ends after less
than the shorter one, and none goes on after the longer one without a word, whatever the signals say.
"""

from __future__ import annotations

from auricle_server.turns.detector import Decision, TurnEnded, TurnEvidence, TurnStarted
from auricle_server.turns.fusion import likelihood, silence_of


class SemanticDetector:
    """Ends a turn by its probability. Silences are samples at 16 kHz.

    Args:
        end: Probability at which the turn ends.
        eager: A lower one, at which it has probably ended; None for never.
        shortest: No turn ends with less silence.
        longest: Every turn ends after this much silence.
        group: While a dictation goes on, no turn ends with less silence, and `longest` is at least this.
        is_open: Whether a turn is open already.
        speech_end: Speech up to this position belongs to earlier turns.
    """

    def __init__(
        self,
        end: float,
        eager: float | None,
        shortest: int,
        longest: int,
        *,
        group: int = 0,
        is_open: bool = False,
        speech_end: int = 0,
    ) -> None:
        self._end, self._eager = end, eager
        self._shortest, self._longest, self._group = shortest, longest, group
        self._speech_end = speech_end
        self.open = is_open
        self.eager: float | None = None
        self.silence: int | None = None
        self.probability: float | None = None

    def feed(self, evidence: TurnEvidence) -> list[Decision]:
        """See `TurnDetector.feed`. A turn may start and end with one long chunk, when its only word is early in it."""
        if evidence.speech_end is None:
            return []
        decisions: list[Decision] = []
        if not self.open and evidence.speech_end > self._speech_end:
            self.open = True
            decisions.append(TurnStarted())
        self._speech_end = evidence.speech_end
        self.silence = silence_of(evidence)
        probability = self._probability(evidence) if self.open else 0.0
        self.probability = probability if self.open else None
        if probability >= self._end:
            self.open = False
            decisions.append(TurnEnded(probability))
        self.eager = probability if self.open and self._eager is not None and probability >= self._eager else None
        return decisions

    def _probability(self, evidence: TurnEvidence) -> float:
        assert evidence.speech_end is not None, "an open turn has words"
        group = self._group if evidence.dictating else 0
        # Counted from the last word, not from the voice: somebody in the background cannot keep a turn open.
        if evidence.position - evidence.speech_end >= max(self._longest, group):
            return 1.0
        return likelihood(evidence) if silence_of(evidence) >= max(self._shortest, group) else 0.0

    def segment_ended(self) -> None:
        """Changes nothing: a turn may span several segments."""

    def cut(self, position: int) -> None:
        """See `TurnDetector.cut`."""
        self.open, self.eager, self.probability, self._speech_end = False, None, None, position

"""What every detector answers, and how it is asked. Positions are samples at 16 kHz."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class VoiceSignals:
    """What the sound says by itself, as far as it is known at one position of the audio.

    Attributes:
        speech: Probability that somebody speaks there, 0 to 1.
        speech_end: Where the voice last fell silent; None while somebody speaks, and before anybody has.
        complete: Probability that the turn sounds complete, 0 to 1, by the newest judgement in this silence; None
            without one.
        judged: The position on which that judgement rests; None without one.
        prosody: Whether anybody judges how complete a turn sounds.
    """

    speech: float
    speech_end: int | None = None
    complete: float | None = None
    judged: int | None = None
    prosody: bool = True


@dataclass(frozen=True, slots=True)
class TurnEvidence:
    """What is known once a chunk has been decoded.

    Attributes:
        position: Audio position on which the chunk's result rests.
        speech_end: Where the last word so far ended, as the decoder heard it; None before the first.
        closing: The marks that the decoder has put behind that word; empty while there are none.
        closed_at: Where it has emitted the last of them; None while there are none.
        utterance_ended: Whether the model has emitted an end of utterance behind that word; few models do.
        last_word: That word, without marks; empty before the first.
        confidence: Probability of its last token, 0 to 1.
        voice: What the sound says; None where nobody listens to it.
    """

    position: int
    speech_end: int | None
    closing: str = ""
    closed_at: int | None = None
    utterance_ended: bool = False
    last_word: str = ""
    confidence: float = 1.0
    voice: VoiceSignals | None = None


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


class TurnDetector(Protocol):
    """Decides on turns, chunk by chunk.

    Attributes:
        open: Whether a turn has started and not ended.
        eager: How probably the turn under way has ended, from 0 to 1, once that is worth saying; None otherwise.
    """

    open: bool
    eager: float | None

    def feed(self, heard: TurnEvidence) -> list[Decision]:
        """One chunk was decoded."""
        ...

    def segment_ended(self) -> None:
        """The open segment was cut: its `Final` goes out."""
        ...

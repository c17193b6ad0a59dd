"""The evidence that a turn detector gets, and its decisions. Positions are samples at 16 kHz."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class VoiceSignals:
    """What the sound says at one position of the audio, without the words.

    Attributes:
        speech: Probability that somebody speaks there, 0 to 1.
        speech_end: Where the voice last fell silent; None while somebody speaks, and before the first voice.
        complete: Probability that the turn sounds complete, 0 to 1, by the newest score in this silence; None without
            one.
        judged: The position on which that score rests; None without one.
        prosody: Whether there is a model that scores how complete a turn sounds.
        voiced: Samples of speech up to there, since the sound is analysed.
        peak: Highest probability that somebody speaks since the position asked for before; 1 where that is not known.
        speech_start: Where the voice last began; None before the first.
    """

    speech: float
    speech_end: int | None = None
    complete: float | None = None
    judged: int | None = None
    prosody: bool = True
    voiced: int = 0
    peak: float = 1.0
    speech_start: int | None = None


@dataclass(frozen=True, slots=True)
class TurnEvidence:
    """What is known once a chunk has been decoded.

    Attributes:
        position: Audio position on which the chunk's result rests.
        speech_end: Where the last word so far ended, by its tokens; None before the first.
        closing: The punctuation after that word; empty while there is none.
        closed_at: Where the decoder has emitted the last of it; None while there is none.
        utterance_ended: Whether the model has emitted an end of utterance after that word; few models do.
        last_word: That word, without punctuation; empty before the first.
        confidence: Probability of its last token, 0 to 1.
        voice: What the sound says; None where it is not analysed.
        dictating: Whether the last word is part of a dictation that the client expects, so that more may follow.
    """

    position: int
    speech_end: int | None
    closing: str = ""
    closed_at: int | None = None
    utterance_ended: bool = False
    last_word: str = ""
    confidence: float = 1.0
    voice: VoiceSignals | None = None
    dictating: bool = False


@dataclass(frozen=True, slots=True)
class TurnStarted:
    """The first word of a turn was decoded."""


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
        eager: Probability, 0 to 1, that the open turn has ended, once it reaches the eager threshold; None below.
        silence: Samples of silence at the last evidence, as this detector counts them; None before the first word.
        probability: That of the last evidence that the turn has ended, 0 to 1, which was open then or ended with it;
            None without such a turn, and where the client decides.
    """

    open: bool
    eager: float | None
    silence: int | None
    probability: float | None

    def feed(self, evidence: TurnEvidence) -> list[Decision]:
        """Takes the evidence after one chunk; returns what it decides."""
        ...

    def segment_ended(self) -> None:
        """Notes that the open segment has ended and its `Final` goes out."""
        ...

    def cut(self, position: int) -> None:
        """Ends the open turn at `position`, because it has become too long: a word that ends later begins the next."""
        ...

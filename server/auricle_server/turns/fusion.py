"""How probable it is that a turn has ended, from what is known of the silence after it.

A logistic regression over few features, with one set of weights for each set of signals that a server may have. The
weights come from ``python -m tests.bench.turns fit`` on synthesised conversations that the evaluation does not use.
"""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass

from auricle_server.ipc.messages import SAMPLE_RATE
from auricle_server.text.closing_marks import FULL_STOPS
from auricle_server.turns.detector import TurnEvidence, VoiceSignals
from auricle_server.turns.word_lists import is_spelled, is_unfinished

LONGEST_SILENCE = 2.0
"""Seconds beyond which a longer silence adds nothing."""
LONG, LONGER = 1.0, 1.3
"""Seconds that few pauses inside a turn exceed, and that hardly any exceeds."""
SPEAKING = 0.5
"""Speech probability of Silero at which somebody speaks."""
_DIGITS = 4
"""Decimals of a probability: quantised models answer a little differently from machine to machine and run to run."""
_SURE = 6.0
"""Bound of a score's log-odds: no single score may outweigh all other features."""


@dataclass(frozen=True, slots=True)
class FusionWeights:
    """Log-odds that each feature adds, in the order of `features`.

    Attributes:
        bias: Of every silence.
        silence: A second of silence.
        long: A second of it beyond `LONG`.
        longer: A second of it beyond `LONGER`.
        stop: A full stop, question mark or exclamation mark after the last word.
        stopped: A second of silence with such a mark.
        late: A second by which that mark came after the word: a complete sentence is closed at once.
        pause: Any other mark there.
        unfinished: A last word after which a sentence goes on.
        spelled: A last word that may be one of a row of digits or letters.
        confidence: The probability of the last word's last token.
        utterance_ended: An end-of-utterance token of the model.
        prosody: One unit of log-odds of the newest score of how complete the turn sounds.
        unjudged: That there is no score yet.
    """

    bias: float
    silence: float
    long: float
    longer: float
    stop: float
    stopped: float
    late: float
    pause: float
    unfinished: float
    spelled: float
    confidence: float
    utterance_ended: float = 4.0
    prosody: float = 0.0
    unjudged: float = 0.0


# In all three sets only the silence beyond `LONG` has a weight of its own: a shorter one says something together with a
# full stop (`stopped`) only.
WORDS = FusionWeights(
    bias=-1.73,
    silence=0,
    long=1.81,
    longer=1.28,
    stop=1.64,
    stopped=1.17,
    late=-4.09,
    pause=-2.68,
    unfinished=-2.72,
    spelled=-0.21,
    confidence=1.9,
)
WITH_VOICE = FusionWeights(
    bias=-1.96,
    silence=0,
    long=2.88,
    longer=1.11,
    stop=1.55,
    stopped=1.22,
    late=-2.98,
    pause=-2.73,
    unfinished=-2.65,
    spelled=-0.2,
    confidence=1.94,
)
WITH_PROSODY = FusionWeights(
    bias=-1.65,
    silence=0,
    long=2.76,
    longer=1.15,
    stop=1.43,
    stopped=1.15,
    late=-2.45,
    pause=-2.34,
    unfinished=-2.48,
    spelled=-0.16,
    confidence=1.61,
    prosody=0.15,
    unjudged=0.13,
)


def silence_of(evidence: TurnEvidence) -> int:
    """Samples of silence after the last word; 0 while somebody speaks, and before the first word.

    A decoder emits a word up to some frames after it was said, so where the voice ended is the better clock; but a
    voice that ended before the last word was emitted is not that word's.
    """
    if evidence.speech_end is None:
        return 0
    voice = evidence.voice
    if voice is None:
        return max(0, evidence.position - evidence.speech_end)
    if voice.speech >= SPEAKING:
        return 0
    return evidence.position - (evidence.speech_end if voice.speech_end is None else voice.speech_end)


def features(evidence: TurnEvidence) -> tuple[float, ...]:
    """The features that the weights of `FusionWeights` belong to, without the bias."""
    voice = evidence.voice or VoiceSignals(0.0)
    silence = min(silence_of(evidence) / SAMPLE_RATE, LONGEST_SILENCE)
    stop = float(bool(evidence.closing) and evidence.closing[-1] in FULL_STOPS)
    late = (evidence.closed_at or 0) - (evidence.speech_end or 0)
    return (
        silence,
        max(0.0, silence - LONG),
        max(0.0, silence - LONGER),
        stop,
        stop * silence,
        stop * max(0, late) / SAMPLE_RATE,
        float(bool(evidence.closing)) - stop,
        float(is_unfinished(evidence.last_word)),
        float(is_spelled(evidence.last_word)),
        evidence.confidence,
        float(evidence.utterance_ended),
        0.0 if voice.complete is None else _log_odds(voice.complete),
        float(voice.complete is None),
    )


def likelihood(evidence: TurnEvidence) -> float:
    """Probability, 0 to 1, that the turn has ended; only of a turn that has words, while nobody speaks."""
    bias, *weights = astuple(_weights(evidence.voice))
    odds = bias + sum(weight * value for weight, value in zip(weights, features(evidence), strict=True))
    return round(float(1 / (1 + math.exp(-odds))), _DIGITS)


def _weights(voice: VoiceSignals | None) -> FusionWeights:
    if voice is None:
        return WORDS
    return WITH_PROSODY if voice.prosody else WITH_VOICE


def _log_odds(probability: float) -> float:
    bound = 1 / (1 + math.exp(_SURE))
    bounded = min(max(probability, bound), 1 - bound)
    return math.log(bounded / (1 - bounded))

"""How probable it is that a turn has ended: what is known of a silence, weighed.

A logistic regression over few features, one set of weights for each set of signals that a server may have. The weights
come from ``python -m tests.bench.turns fit`` on synthesised conversations that the evaluation does not use.
"""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass

from auricle_server.ipc.messages import SAMPLE_RATE
from auricle_server.turns.detector import TurnEvidence, VoiceSignals
from auricle_server.turns.word_lists import is_spelled, is_unfinished

FULL_STOPS = frozenset(".?!…。？！।؟۔")
"""Marks that close a sentence. Any other mark behind the last word says that there is more to come."""
LONGEST_SILENCE = 2.0
"""Seconds beyond which a longer silence says nothing new."""
LONG, LONGER = 1.0, 1.3
"""Seconds beyond which few pauses go, and hardly any."""
SPEAKING = 0.5
"""Silero's speech probability from which on somebody speaks."""
_DIGITS = 4
"""Of a probability: quantised models answer a little differently from one machine, and one run, to the next."""
_SURE = 6.0
"""Bound of a judgement's log-odds: no single one may outweigh all the rest."""


@dataclass(frozen=True, slots=True)
class FusionWeights:
    """Log-odds that each feature adds, in the order of `features`.

    Attributes:
        bias: Of every silence.
        silence: A second of silence.
        long: A second of it beyond `LONG`.
        longer: A second of it beyond `LONGER`.
        stop: A full stop, question mark or exclamation mark behind the last word.
        stopped: A second of silence with such a mark.
        late: A second by which that mark came after the word: what is complete is closed at once.
        pause: Any other mark there.
        unfinished: A last word after which a sentence goes on.
        spelled: A last word that may be one of a row of digits or letters.
        confidence: That the decoder was sure of the last word.
        utterance_ended: An end-of-utterance token of the model.
        prosody: One unit of log-odds of the newest judgement of how complete the turn sounds.
        unjudged: That there is none yet.
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


def silence_of(heard: TurnEvidence) -> int:
    """Samples of silence behind the last word; 0 while somebody speaks, and before the first word.

    A decoder emits a word up to some frames after it was said, so where the voice ended is the better clock; but a
    voice that ended before the last word was emitted is not that word's.
    """
    if heard.speech_end is None:
        return 0
    voice = heard.voice
    if voice is None:
        return max(0, heard.position - heard.speech_end)
    if voice.speech >= SPEAKING:
        return 0
    return heard.position - (heard.speech_end if voice.speech_end is None else voice.speech_end)


def features(heard: TurnEvidence) -> tuple[float, ...]:
    """What the weights of `FusionWeights`, bias left out, are for."""
    voice = heard.voice or VoiceSignals(0.0)
    silence = min(silence_of(heard) / SAMPLE_RATE, LONGEST_SILENCE)
    stop = float(bool(heard.closing) and heard.closing[-1] in FULL_STOPS)
    late = (heard.closed_at or 0) - (heard.speech_end or 0)
    return (
        silence,
        max(0.0, silence - LONG),
        max(0.0, silence - LONGER),
        stop,
        stop * silence,
        stop * max(0, late) / SAMPLE_RATE,
        float(bool(heard.closing)) - stop,
        float(is_unfinished(heard.last_word)),
        float(is_spelled(heard.last_word)),
        heard.confidence,
        float(heard.utterance_ended),
        0.0 if voice.complete is None else _log_odds(voice.complete),
        float(voice.complete is None),
    )


def likelihood(heard: TurnEvidence) -> float:
    """Probability, 0 to 1, that the turn has ended, given that it has words and nobody speaks."""
    bias, *weights = astuple(_weights(heard.voice))
    odds = bias + sum(weight * value for weight, value in zip(weights, features(heard), strict=True))
    return round(float(1 / (1 + math.exp(-odds))), _DIGITS)


def _weights(voice: VoiceSignals | None) -> FusionWeights:
    if voice is None:
        return WORDS
    return WITH_PROSODY if voice.prosody else WITH_VOICE


def _log_odds(probability: float) -> float:
    bound = 1 / (1 + math.exp(_SURE))
    bounded = min(max(probability, bound), 1 - bound)
    return math.log(bounded / (1 - bounded))

"""What is known of the turn after a chunk, for clients that show it. Pure; positions are samples at 16 kHz."""

from __future__ import annotations

from auricle.protocol.signals import Signals
from auricle_server.ipc.messages import SAMPLE_RATE
from auricle_server.turns import TurnDetector, VoiceSignals

_DIGITS = 4
"""Decimals of a probability: more would only take room in the message."""


def signals_of(audio_time: float, detector: TurnDetector, voice: VoiceSignals | None) -> Signals:
    """The event of a chunk.

    Args:
        audio_time: Seconds of audio on which its result rests.
        detector: Of turn ends, after it has had the result.
        voice: What the sound says there; None where it is not analysed.
    """
    return Signals(
        audio_time=audio_time,
        turn_open=detector.open,
        silence=None if detector.silence is None else max(0, detector.silence) / SAMPLE_RATE,
        probability=_rounded(detector.probability),
        voice=None if voice is None else _rounded(voice.speech),
        complete=None if voice is None else _rounded(voice.complete),
    )


def _rounded(probability: float | None) -> float | None:
    return None if probability is None else round(float(probability), _DIGITS)

"""Where somebody speaks in a recording: as its manifest says it, or as Silero hears it."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from auricle_server.audio_files import SAMPLE_RATE
from auricle_server.bench.quality.recordings import Recording, SpeechSpan
from auricle_server.voice.models import find_models, models_of
from auricle_server.voice.silero import VoiceTrack
from auricle_server.voice.voice_activity import VoiceActivity

MARGIN = 0.3
"""Seconds before and after speech that count as speech. Word times are off by 0.1 s on average, and a voice detector
is late at soft sounds."""


class SpeechSource(StrEnum):
    """How it is known where somebody speaks."""

    MANIFEST = "manifest"
    EMPTY = "empty text"
    SILERO = "Silero"
    UNKNOWN = "unknown"


def speech_of(recording: Recording, pcm: bytes) -> tuple[SpeechSource, tuple[SpeechSpan, ...]]:
    """The stretches of speech of a recording; none, with `SpeechSource.UNKNOWN`, where nothing tells them.

    Args:
        recording: Its own knowledge comes first.
        pcm: Its audio, 16 kHz mono, signed 16 bit: heard by Silero where the voice models are installed. The energy of
            the audio is no substitute: it does not tell a voice from noise.
    """
    if not recording.text:
        return SpeechSource.EMPTY, ()
    if recording.speech is not None:
        return SpeechSource.MANIFEST, recording.speech
    found = find_models()
    if found.silero is None:
        return SpeechSource.UNKNOWN, ()
    return SpeechSource.SILERO, _voice(pcm, VoiceTrack(models_of(found).silero))


def _voice(pcm: bytes, track: VoiceTrack) -> tuple[SpeechSpan, ...]:
    activity, spans, since = VoiceActivity(0, 0), [], 0
    for probability in track.advance(pcm):
        before, position = activity.speaking, activity.seen
        activity.step(probability)
        if activity.speaking and not before:
            since = position
        elif before and not activity.speaking:
            spans.append(SpeechSpan(since / SAMPLE_RATE, position / SAMPLE_RATE))
    if activity.speaking:
        spans.append(SpeechSpan(since / SAMPLE_RATE, activity.seen / SAMPLE_RATE))
    return tuple(spans)


def is_silent(start: float, end: float, speech: Sequence[SpeechSpan]) -> bool:
    """Whether a word lies outside all speech, by more than `MARGIN`."""
    return all(end < span.start - MARGIN or start > span.end + MARGIN for span in speech)


def is_inside(moment: float, speech: Sequence[SpeechSpan]) -> bool:
    """Whether somebody speaks at that moment."""
    return any(span.start < moment < span.end for span in speech)

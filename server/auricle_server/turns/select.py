"""Chooses the detector for the client's turn settings."""

from __future__ import annotations

from auricle.protocol.settings import GROUP_SILENCE_MS, TurnSettings
from auricle_server.ipc.messages import SAMPLE_RATE
from auricle_server.turns.detector import TurnDetector
from auricle_server.turns.off import OffDetector
from auricle_server.turns.semantic import SemanticDetector
from auricle_server.turns.silence import SilenceDetector


def detector_for(settings: TurnSettings, *, is_open: bool = False, speech_end: int = 0) -> TurnDetector:
    """A detector for these settings, which may take over from another in mid-stream.

    Args:
        settings: What the client asks for.
        is_open: Whether a turn is open.
        speech_end: Speech up to this position, in samples, was given to the earlier detector.
    """
    if settings.mode == "off":
        return OffDetector(is_open=is_open, speech_end=speech_end)
    group = 0 if settings.expect == "none" else _samples(GROUP_SILENCE_MS)
    if settings.mode == "semantic":
        shortest, longest = _samples(settings.min_silence_ms), _samples(settings.max_silence_ms)
        end, eager_end = settings.end_threshold, settings.eager_threshold
        return SemanticDetector(end, eager_end, shortest, longest, group=group, is_open=is_open, speech_end=speech_end)
    silence = _samples(settings.silence_ms)
    eager = None if settings.eager_silence_ms is None else _samples(settings.eager_silence_ms)
    return SilenceDetector(silence, eager, group=group, is_open=is_open, speech_end=speech_end)


def _samples(milliseconds: int) -> int:
    return milliseconds * SAMPLE_RATE // 1000

"""Which detector serves which settings."""

from __future__ import annotations

from auricle.protocol.settings import TurnSettings
from auricle_server.ipc.messages import SAMPLE_RATE
from auricle_server.turns.detector import TurnDetector
from auricle_server.turns.off import OffDetector
from auricle_server.turns.semantic import SemanticDetector
from auricle_server.turns.silence import SilenceDetector


def detector_for(settings: TurnSettings, *, is_open: bool = False, heard: int = 0) -> TurnDetector:
    """A detector that takes over from here.

    Args:
        settings: What the client asks for.
        is_open: Whether words are waiting for the end of their turn.
        heard: Speech up to this position, in samples, has been dealt with.
    """
    if settings.mode == "off":
        return OffDetector(is_open=is_open, heard=heard)
    if settings.mode == "semantic":
        shortest, longest = _samples(settings.min_silence_ms), _samples(settings.max_silence_ms)
        return SemanticDetector(
            settings.end_threshold, settings.eager_threshold, shortest, longest, is_open=is_open, heard=heard
        )
    eager = settings.eager_silence_ms
    return SilenceDetector(
        _samples(settings.silence_ms), None if eager is None else _samples(eager), is_open=is_open, heard=heard
    )


def _samples(milliseconds: int) -> int:
    return milliseconds * SAMPLE_RATE // 1000

"""Without turn detection every segment starts anew and nothing ends by itself."""

from __future__ import annotations

from auricle.protocol.settings import TurnSettings
from auricle_server.turns import OffDetector, SilenceDetector, TurnEvidence, TurnStarted, detector_for


def test_speech_starts_once_a_segment() -> None:
    detector = OffDetector()
    assert detector.feed(TurnEvidence(1280, None)) == []
    assert detector.feed(TurnEvidence(2560, 2000)) == [TurnStarted()]
    assert detector.feed(TurnEvidence(3840, 3000)) == []
    detector.segment_ended()
    assert detector.feed(TurnEvidence(99999, 3000)) == []
    assert detector.feed(TurnEvidence(100000, 99000)) == [TurnStarted()]


def test_settings_choose_the_detector() -> None:
    assert isinstance(detector_for(TurnSettings(mode="off")), OffDetector)
    detector = detector_for(TurnSettings(mode="silence", silence_ms=500), is_open=True, speech_end=16000)
    assert isinstance(detector, SilenceDetector)
    assert detector.open
    assert detector.feed(TurnEvidence(23999, 16000)) == []
    assert len(detector.feed(TurnEvidence(24000, 16000))) == 1

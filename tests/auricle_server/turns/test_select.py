"""Turn settings choose the detector, with silences in samples."""

from __future__ import annotations

import pytest

from auricle.protocol.settings import TurnSettings
from auricle_server.turns import OffDetector, SemanticDetector, SilenceDetector, TurnEvidence, detector_for


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        (TurnSettings(mode="off"), OffDetector),
        (TurnSettings(mode="silence"), SilenceDetector),
        (TurnSettings(mode="semantic"), SemanticDetector),
    ],
)
@pytest.mark.parametrize("is_open", [False, True])
def test_a_mode_has_its_detector_which_may_take_over_an_open_turn(
    settings: TurnSettings, kind: type, is_open: bool
) -> None:
    detector = detector_for(settings, is_open=is_open)
    assert isinstance(detector, kind)
    assert detector.open is is_open


@pytest.mark.parametrize("mode", ["off", "silence", "semantic"])
def test_speech_that_an_earlier_detector_has_had_starts_no_turn(mode: str) -> None:
    detector = detector_for(TurnSettings(mode=mode), speech_end=16_000)  # type: ignore[arg-type]
    assert detector.feed(TurnEvidence(17_280, 16_000)) == []
    assert not detector.open


def test_silences_of_the_settings_are_milliseconds() -> None:
    detector = detector_for(TurnSettings(mode="silence", silence_ms=500, eager_silence_ms=250), is_open=True)
    detector.feed(TurnEvidence(19_999, 16_000))
    assert detector.eager is None
    detector.feed(TurnEvidence(20_000, 16_000))
    assert detector.eager == 0.5
    assert len(detector.feed(TurnEvidence(24_000, 16_000))) == 1

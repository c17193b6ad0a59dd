"""What all detectors have in common, whatever their rule."""

from __future__ import annotations

from typing import get_args

import pytest

from auricle.protocol.settings import TurnMode, TurnSettings
from auricle_server.turns import TurnEnded, TurnEvidence, TurnStarted, detector_for


@pytest.mark.parametrize("mode", get_args(TurnMode))
def test_a_turn_starts_once_and_only_with_a_word(mode: TurnMode) -> None:
    detector = detector_for(TurnSettings(mode=mode))
    assert detector.feed(TurnEvidence(16_000, None)) == []
    assert detector.feed(TurnEvidence(17_280, 17_000)) == [TurnStarted()]
    assert detector.feed(TurnEvidence(18_560, 18_000)) == []
    assert detector.open


@pytest.mark.parametrize("mode", get_args(TurnMode))
def test_a_decision_is_an_end_only_where_a_turn_is_open(mode: TurnMode) -> None:
    detector, ends = detector_for(TurnSettings(mode=mode)), 0
    detector.feed(TurnEvidence(16_000, 16_000))
    for position in range(17_280, 160_000, 1280):
        ends += sum(isinstance(each, TurnEnded) for each in detector.feed(TurnEvidence(position, 16_000)))
    assert ends == (mode != "off")
    assert detector.open is (mode == "off")

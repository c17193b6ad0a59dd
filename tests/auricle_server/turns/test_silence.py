"""The silence rule falls on the first chunk at which it holds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auricle_server.turns import SilenceDetector, TurnEnded, TurnEvidence, TurnStarted


def test_a_turn_starts_with_a_word_and_ends_once() -> None:
    detector = SilenceDetector(8000)
    assert detector.feed(TurnEvidence(1280, None)) == []
    assert detector.feed(TurnEvidence(2560, 2000)) == [TurnStarted()]
    assert detector.feed(TurnEvidence(9900, 2000)) == []
    assert detector.feed(TurnEvidence(10000, 2000)) == [TurnEnded()]
    assert detector.feed(TurnEvidence(90000, 2000)) == []
    assert detector.feed(TurnEvidence(91280, 91000)) == [TurnStarted()]


def test_a_word_early_in_a_long_chunk_starts_and_ends_its_turn_at_once() -> None:
    assert SilenceDetector(8000).feed(TurnEvidence(17920, 1280)) == [TurnStarted(), TurnEnded()]


def test_a_detector_that_takes_over_ends_the_turn_under_way() -> None:
    detector = SilenceDetector(1600, is_open=True, speech_end=1280)
    assert detector.feed(TurnEvidence(2880, 1280)) == [TurnEnded()]


def test_a_detector_that_takes_over_does_not_start_on_old_speech() -> None:
    assert SilenceDetector(1600, speech_end=1280).feed(TurnEvidence(99999, 1280)) == []


def test_the_probability_is_one_even_while_a_word_is_reckoned_to_last_beyond_the_audio() -> None:
    detector = SilenceDetector(8000)
    seen = []
    for position, speech_end in ((2560, 2960), (5120, 2960), (12800, 2960)):
        detector.feed(TurnEvidence(position, speech_end))
        seen.append(detector.probability)
    assert seen == [0.0, 0.27, 1.0]


@given(
    chunk=st.sampled_from([1280, 2560, 8960, 17920]),
    silence_ms=st.integers(80, 10_000),
    gaps=st.lists(st.integers(1, 400), min_size=1, max_size=20),
)
def test_the_decision_is_at_least_the_silence_and_less_than_a_chunk_late(
    chunk: int, silence_ms: int, gaps: list[int]
) -> None:
    silence = silence_ms * 16
    ends, frame = [], 0
    for gap in gaps:
        frame += gap
        ends.append(frame * 1280)
    detector, turns, starts = SilenceDetector(silence), 0, 0
    position = 0
    while position < ends[-1] + silence + chunk:
        position += chunk
        spoken = [end for end in ends if end <= position]
        decisions = detector.feed(TurnEvidence(position, spoken[-1] if spoken else None))
        starts += TurnStarted() in decisions
        if TurnEnded() in decisions:
            turns += 1
            assert silence <= position - spoken[-1] < silence + chunk
    assert turns == starts >= 1


@pytest.mark.parametrize("position", [0, 100])
def test_nothing_said_decides_nothing(position: int) -> None:
    assert SilenceDetector(0).feed(TurnEvidence(position, None)) == []


def test_a_shorter_silence_makes_the_end_likely_until_a_word_or_the_end_comes() -> None:
    detector = SilenceDetector(8000, 3200)
    detector.feed(TurnEvidence(2560, 2000))
    assert detector.eager is None
    detector.feed(TurnEvidence(5200, 2000))
    assert detector.eager == 0.4
    detector.feed(TurnEvidence(6480, 2000))
    assert detector.eager == 0.56
    detector.feed(TurnEvidence(7760, 7000))
    assert detector.eager is None
    assert detector.feed(TurnEvidence(15000, 7000)) == [TurnEnded()]
    assert detector.eager is None
    detector.feed(TurnEvidence(16280, 7000))
    assert detector.eager is None

"""The semantic rule: a turn ends by its words and its sound, between two bounds of silence."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auricle_server.turns import SemanticDetector, TurnEnded, TurnEvidence, TurnStarted, VoiceSignals
from auricle_server.turns.fusion import likelihood, silence_of

SECOND = 16_000
CHUNK = 2_560
SPOKEN = 2 * SECOND
COMPLETE = VoiceSignals(speech=0.02, speech_end=SPOKEN, complete=0.97, judged=SPOKEN + CHUNK)
BROKEN_OFF = replace(COMPLETE, complete=0.02)


def detector(end: float = 0.5, eager: float | None = None) -> SemanticDetector:
    """With bounds of 0.2 and 2 s."""
    return SemanticDetector(end, eager, SECOND // 5, 2 * SECOND)


def silence(seconds: float, closing: str = "", voice: VoiceSignals | None = None) -> TurnEvidence:
    """That long after the end of a word two seconds into the stream."""
    return TurnEvidence(SPOKEN + round(seconds * SECOND), SPOKEN, closing, voice=voice)


def ends_after(closing: str, voice: VoiceSignals | None, end: float = 0.5) -> float:
    """Seconds of silence after which the turn ends."""
    rule = detector(end)
    rule.feed(TurnEvidence(SPOKEN, SPOKEN))
    for step in range(1, 100):
        heard = silence(step * CHUNK / SECOND, closing, voice)
        if any(isinstance(decision, TurnEnded) for decision in rule.feed(heard)):
            return (heard.position - SPOKEN) / SECOND
    raise AssertionError("no turn goes on with so much silence")


def test_a_turn_starts_with_a_word_and_ends_once() -> None:
    rule = detector()
    assert rule.feed(TurnEvidence(1280, None)) == []
    assert rule.feed(TurnEvidence(SPOKEN, SPOKEN)) == [TurnStarted()]
    assert rule.feed(silence(2.0)) == [TurnEnded(1.0)]
    assert rule.feed(silence(3.0)) == []
    assert not rule.open
    assert rule.feed(TurnEvidence(5 * SECOND, 5 * SECOND)) == [TurnStarted()]


@pytest.mark.parametrize("voice", [None, COMPLETE, BROKEN_OFF])
@pytest.mark.parametrize("closing", ["", ".", ","])
@pytest.mark.parametrize("end", [0.01, 0.5, 1.0])
def test_every_turn_ends_between_the_two_bounds(end: float, closing: str, voice: VoiceSignals | None) -> None:
    assert 0.2 <= ends_after(closing, voice, end) < 2 + CHUNK / SECOND


def test_what_reads_and_sounds_complete_ends_sooner() -> None:
    assert ends_after(".", COMPLETE, 0.85) < ends_after(".", BROKEN_OFF, 0.85)
    assert ends_after(".", COMPLETE, 0.85) < ends_after(",", COMPLETE, 0.85)
    assert ends_after(".", None, 0.8) < ends_after(",", None, 0.8)
    assert ends_after("?", None, 0.8) == ends_after(".", None, 0.8)


def test_the_last_word_counts() -> None:
    """No turn ends with "the"; "so" may end a sentence, and may begin one."""
    said = [silence(0.5, ".") for _ in range(4)]
    words = ("lights", "so", "So", "the")
    likely = [likelihood(replace(heard, last_word=word)) for heard, word in zip(said, words, strict=True)]
    assert likely[0] == likely[1] > likely[2] == likely[3]
    assert likelihood(replace(said[0], last_word="seven")) < likely[0]
    assert likelihood(replace(said[0], last_word="lights", confidence=0.2)) < likely[0]


def test_a_mark_that_comes_late_counts_less() -> None:
    at_once, late = (replace(silence(0.9, "."), closed_at=SPOKEN + delay) for delay in (1_600, 9_600))
    assert likelihood(at_once) > likelihood(late)


@pytest.mark.parametrize("voice", [None, COMPLETE, replace(COMPLETE, complete=None, judged=None, prosody=False)])
@pytest.mark.parametrize("closing", ["", ".", ","])
def test_more_silence_never_speaks_against_an_end(closing: str, voice: VoiceSignals | None) -> None:
    likely = [likelihood(silence(step / 10, closing, voice)) for step in range(1, 26)]
    assert likely == sorted(likely)


def test_a_higher_threshold_waits_longer() -> None:
    waits = [ends_after(".", BROKEN_OFF, end) for end in (0.1, 0.8, 0.9, 0.999)]
    assert waits == sorted(waits)
    assert waits[0] < waits[-1]


def test_an_end_of_utterance_counts() -> None:
    plain = silence(0.4, voice=BROKEN_OFF)
    assert likelihood(replace(plain, utterance_ended=True)) > likelihood(plain)


def test_while_somebody_speaks_nothing_ends_before_the_upper_bound() -> None:
    rule, speaking = detector(0.01), VoiceSignals(speech=0.9)
    rule.feed(TurnEvidence(SPOKEN, SPOKEN))
    assert rule.feed(silence(1.9, ".", speaking)) == []
    assert rule.feed(silence(2.0, ".", speaking)) == [TurnEnded(1.0)]


def test_the_clock_of_a_silence_is_the_voices_where_there_is_one() -> None:
    late_word = TurnEvidence(SPOKEN + 4_000, SPOKEN, voice=replace(COMPLETE, speech_end=SPOKEN - 3_000))
    assert silence_of(late_word) == 7_000
    assert silence_of(replace(late_word, voice=None)) == 4_000
    assert silence_of(replace(late_word, voice=VoiceSignals(speech=0.1))) == 4_000
    assert silence_of(TurnEvidence(SPOKEN, None)) == 0


def test_an_eager_end_is_sent_and_taken_back() -> None:
    rule = detector(end=0.9999, eager=0.3)
    rule.feed(TurnEvidence(SPOKEN, SPOKEN))
    assert rule.eager is None
    rule.feed(silence(0.5, ".", COMPLETE))
    assert rule.eager is not None
    assert rule.eager >= 0.3
    rule.feed(TurnEvidence(SPOKEN + SECOND, SPOKEN + SECOND, voice=VoiceSignals(speech=0.9)))
    assert rule.eager is None


def test_a_change_of_settings_in_a_turn_goes_on_with_it() -> None:
    rule = SemanticDetector(0.5, None, 3_200, 32_000, is_open=True, speech_end=SPOKEN)
    assert rule.feed(silence(2.0)) == [TurnEnded(1.0)]
    assert SemanticDetector(0.5, None, 3_200, 32_000, speech_end=SPOKEN).feed(silence(9.0)) == []


@given(
    silent=st.integers(0, 5 * SECOND),
    closing=st.sampled_from(["", ".", ",", "?!", ".,"]),
    utterance_ended=st.booleans(),
    voice=st.none()
    | st.builds(
        VoiceSignals,
        speech=st.floats(0, 1),
        speech_end=st.none() | st.integers(0, SPOKEN),
        complete=st.none() | st.floats(0, 1),
        prosody=st.booleans(),
    ),
)
def test_a_likelihood_is_a_probability(
    silent: int, closing: str, utterance_ended: bool, voice: VoiceSignals | None
) -> None:
    heard = TurnEvidence(SPOKEN + silent, SPOKEN, closing, utterance_ended=utterance_ended, voice=voice)
    assert 0 <= likelihood(heard) <= 1

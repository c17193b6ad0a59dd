"""Turns of one stream: their ends, probable ends that are taken back, and updates of their settings."""

from __future__ import annotations

from typing import Any

import pytest

from auricle.protocol.client_messages import Update
from auricle.protocol.server_messages import (
    Final,
    Interim,
    Settled,
    SpeechStarted,
    TurnEagerEnd,
    TurnEnd,
    TurnResumed,
)
from auricle.protocol.settings import TurnSettings
from tests.auricle_server.stream.test_stream_state import ONE, STOP, TWO, Talk, kinds, silence


def test_a_turn_ends_on_the_first_chunk_at_which_the_rule_holds() -> None:
    talk = Talk(turn=silence(500))
    talk.chunk(1.0, ONE, frame=10)
    assert talk.chunk(1.37) == []
    events = talk.chunk(1.39)
    assert kinds(events) == [Final, TurnEnd]
    assert events[1] == TurnEnd(audio_time=1.39, probability=1.0, speech_end=0.88, text="one", backchannel=0.02)
    final = events[0]
    assert isinstance(final, Final)
    assert (final.text, final.finalize_id, final.start, final.end) == ("one", None, 0.8, 0.88)
    assert 0.88 < final.settled < 1.39
    assert talk.chunk(9.0) == [Settled(audio_time=9.0, settled=7.0)]


def test_a_late_full_stop_neither_delays_the_turn_nor_leaks_into_the_next() -> None:
    talk = Talk(turn=silence(500))
    talk.chunk(1.0, ONE, frame=10)
    talk.chunk(1.3, STOP, frame=15)
    assert kinds(talk.chunk(1.4)) == [Final, TurnEnd]
    assert talk.chunk(1.5, STOP, frame=18) == []
    events = talk.chunk(2.0, TWO, frame=24)
    assert kinds(events) == [SpeechStarted, Interim]
    assert isinstance(events[1], Interim)
    assert events[1].text == "two"


def test_a_finalize_keeps_the_turn_open() -> None:
    talk = Talk(turn=silence(500))
    talk.chunk(1.0, ONE, frame=10)
    mark = talk.stream.finalize("f")
    events = talk.chunk(1.1, TWO, frame=12, mark=mark)
    assert kinds(events) == [Final]
    assert isinstance(events[0], Final)
    assert (events[0].text, events[0].finalize_id, events[0].settled) == ("one two", "f", 1.1)
    assert [word.text for word in events[0].words] == ["one", "two"]
    [end] = talk.chunk(1.6)
    assert isinstance(end, TurnEnd)
    assert (end.text, end.speech_end) == ("one two", 1.04)


def test_a_finalize_may_end_the_turn_with_every_word_before_it() -> None:
    talk = Talk(turn=TurnSettings("silence", 500, 200))
    talk.chunk(1.0, ONE, frame=10)
    events = talk.chunk(1.1, TWO, frame=12, mark=talk.stream.finalize("f", ends_turn=True))
    assert kinds(events) == [Final, TurnEnd]
    assert events[1] == TurnEnd(audio_time=1.1, probability=1.0, speech_end=1.04, text="one two", backchannel=0.02)
    assert talk.stream.turn_ended_at == round(1.1 * 16_000)
    assert talk.chunk(3.0) == []
    assert kinds(talk.chunk(3.2, ONE, frame=38)) == [SpeechStarted, Interim]


@pytest.mark.parametrize("mode", ["silence", "off"])
def test_a_finalize_that_finds_no_turn_ends_none(mode: Any) -> None:
    talk = Talk(turn=TurnSettings(mode=mode))
    talk.chunk(1.0)
    assert kinds(talk.chunk(1.1, mark=talk.stream.finalize("f", ends_turn=True))) == [Final]


def test_a_finalize_that_ends_the_turn_is_answered_with_one_that_does_not() -> None:
    talk = Talk(turn=silence(500))
    talk.chunk(1.0, ONE, frame=10)
    mark = talk.stream.finalize("f")
    assert talk.stream.finalize("g", ends_turn=True) is None
    assert kinds(talk.chunk(1.1, mark=mark)) == [Final, Final, TurnEnd]


def test_a_finalize_that_meets_the_end_of_the_turn() -> None:
    talk = Talk(turn=silence(500))
    talk.chunk(1.0, ONE, frame=10)
    events = talk.chunk(1.4, mark=talk.stream.finalize("f"))
    assert kinds(events) == [Final, TurnEnd]
    assert isinstance(events[0], Final)
    assert events[0].finalize_id == "f"


def test_update_of_the_silence_holds_for_the_turn_under_way() -> None:
    talk = Talk(turn=silence(5000))
    talk.chunk(1.0, ONE, frame=10)
    talk.stream.update(Update(turn=silence(200)))
    assert kinds(talk.chunk(1.2)) == [Final, TurnEnd]


def test_update_to_turns_on_ends_the_segment_under_way() -> None:
    talk = Talk(turn=TurnSettings(mode="off"))
    talk.chunk(1.0, ONE, frame=10)
    talk.stream.update(Update(turn=silence(200)))
    assert kinds(talk.chunk(1.2)) == [Final, TurnEnd]
    assert talk.chunk(1.4) == []


def test_update_to_turns_off_lets_the_segment_wait_for_its_finalize() -> None:
    talk = Talk(turn=silence(200))
    talk.chunk(1.0, ONE, frame=10)
    talk.stream.update(Update(turn=TurnSettings(mode="off")))
    assert talk.chunk(3.0) == []
    assert kinds(talk.chunk(3.1, mark=talk.stream.finalize("f"))) == [Final]


def eager(ms: int = 500, eager_ms: int = 200) -> TurnSettings:
    return TurnSettings(mode="silence", silence_ms=ms, eager_silence_ms=eager_ms)


def test_a_turn_that_has_probably_ended_ends_with_the_same_text() -> None:
    talk = Talk(turn=eager())
    assert kinds(talk.chunk(0.16, ONE)) == [SpeechStarted, Interim]
    (likely,) = talk.chunk(0.32)
    assert isinstance(likely, TurnEagerEnd)
    assert (likely.text, likely.speech_end, likely.audio_time) == ("one", 0.08, 0.32)
    assert likely.probability == pytest.approx(0.48)
    assert talk.chunk(0.48) == []
    final, end = talk.chunk(0.64)
    assert isinstance(final, Final)
    assert isinstance(end, TurnEnd)
    assert end.text == likely.text


def test_a_speaker_who_goes_on_takes_the_end_back() -> None:
    talk = Talk(turn=eager())
    talk.chunk(0.16, ONE)
    talk.chunk(0.32)
    interim, resumed = talk.chunk(0.48, TWO, frame=5)
    assert isinstance(interim, Interim)
    assert isinstance(resumed, TurnResumed)
    (again,) = talk.chunk(0.8)
    assert isinstance(again, TurnEagerEnd)
    assert again.text == "one two"
    assert kinds(talk.chunk(0.98)) == [Final, TurnEnd]


def test_a_late_full_stop_changes_the_text_and_says_so() -> None:
    talk = Talk(turn=eager())
    talk.chunk(0.16, ONE)
    talk.chunk(0.32)
    _, resumed, likely = talk.chunk(0.48, STOP, frame=5)
    assert isinstance(resumed, TurnResumed)
    assert isinstance(likely, TurnEagerEnd)
    assert likely.text == "one."
    _, end = talk.chunk(0.64)
    assert isinstance(end, TurnEnd)
    assert end.text == "one."


def test_a_turn_whose_last_chunk_brings_more_is_taken_back_before_its_end() -> None:
    talk = Talk(turn=eager())
    talk.chunk(0.16, ONE)
    talk.chunk(0.32)
    assert kinds(talk.chunk(0.64, STOP, frame=7)) == [TurnResumed, Final, TurnEnd]


def test_a_finalize_within_a_likely_end_changes_nothing_about_it() -> None:
    talk = Talk(turn=eager())
    talk.chunk(0.16, ONE)
    talk.chunk(0.32)
    mark = talk.stream.finalize("now")
    assert kinds(talk.chunk(0.32, mark=mark)) == [Final]
    (end,) = talk.chunk(0.64)
    assert isinstance(end, TurnEnd)
    assert end.text == "one"


def test_a_likely_end_is_taken_back_when_turns_are_switched_off() -> None:
    talk = Talk(turn=eager())
    talk.chunk(0.16, ONE)
    talk.chunk(0.32)
    talk.stream.update(Update(turn=TurnSettings(mode="off")))
    assert kinds(talk.chunk(0.48)) == [TurnResumed]
    assert talk.chunk(0.8) == []


def test_the_end_of_the_stream_confirms_a_likely_end() -> None:
    talk = Talk(turn=eager())
    talk.chunk(0.16, ONE)
    talk.chunk(0.32)
    mark = talk.stream.end()
    assert kinds(talk.chunk(0.32, mark=mark)) == [Final, TurnEnd]

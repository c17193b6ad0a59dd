"""Turns that end by more than silence, when the server changes in the middle of one."""

from __future__ import annotations

from auricle.protocol import Final, Interim, Signals, SpeechStarted, TurnEnd, TurnResumed
from tests.auricle._stream.test_event_merger import (
    eager_end,
    final,
    hear,
    interim,
    kinds,
    merger,
    settled,
    started,
    turn_end,
)


def test_words_that_go_on_before_the_longest_silence_belong_to_the_same_turn() -> None:
    """The server before may have found its end by now, or not; a turn cut in two is the worse mistake."""
    made = merger("semantic")
    hear(made, started(0.1), final("one", 0.5))
    made.resume(0.7)
    heard = hear(made, started(1.2), interim("two", 1.4), final("two", 1.4), turn_end("two", 1.4))
    assert kinds(heard) == [Interim, Final, TurnEnd]
    assert isinstance(heard[-1], TurnEnd)
    assert heard[-1].text == "one two"


def test_words_after_the_longest_silence_begin_another_turn() -> None:
    made = merger("semantic")
    hear(made, started(0.1), final("one", 0.5))
    made.resume(0.7)
    heard = hear(made, started(1.3))
    assert kinds(heard) == [TurnEnd, SpeechStarted]
    assert isinstance(heard[0], TurnEnd)
    assert (heard[0].text, heard[0].probability) == ("one", 1.0)


def test_an_end_that_no_server_can_find_any_more_comes_with_the_longest_silence() -> None:
    made = merger("semantic")
    hear(made, started(0.1), final("one", 0.5), eager_end("one", 0.5))
    made.resume(0.5)
    assert hear(made, settled(1.4)) == []
    assert kinds(hear(made, settled(1.5))) == [TurnEnd]


def test_a_server_that_ends_a_turn_earlier_than_the_one_before_cuts_it_and_loses_nothing() -> None:
    """It has not heard what went before the replay, so it may judge the same pause otherwise."""
    made = merger("semantic")
    hear(made, started(0.1), interim("one", 0.5), interim("one two", 1.4), eager_end("one two", 1.4))
    made.resume(0.0)
    first = hear(made, started(0.1), interim("one", 0.5), final("one", 0.5), turn_end("one", 0.5))
    assert kinds(first) == [Final, TurnResumed, TurnEnd]
    second = hear(made, started(1.2), interim("two", 1.4), final("two", 1.4), turn_end("two", 1.4))
    assert kinds(second) == [SpeechStarted, Interim, Final, TurnEnd]
    assert [event.text for event in [*first, *second] if isinstance(event, TurnEnd)] == ["one", "two"]


def test_a_server_that_ends_a_turn_later_than_the_one_before_joins_nothing_that_was_told_apart() -> None:
    made = merger("semantic")
    hear(made, started(0.1), final("one", 0.5), turn_end("one", 0.5))
    made.resume(0.7)
    heard = hear(made, started(0.2), interim("two", 0.5), final("two", 0.5), turn_end("two", 0.5))
    assert kinds(heard) == [SpeechStarted, Interim, Final, TurnEnd]
    assert [event.text for event in heard if isinstance(event, TurnEnd)] == ["two"]


def test_signals_of_audio_that_is_heard_again_are_told_once() -> None:
    made = merger("semantic")
    assert len(hear(made, *(Signals(audio_time=seconds, turn_open=False) for seconds in (1.0, 2.0, 3.0)))) == 3
    made.resume(1.5)
    again = [Signals(audio_time=seconds, turn_open=False) for seconds in (1.0, 1.5, 2.5)]
    assert [event.audio_time for event in hear(made, *again)] == [4.0]

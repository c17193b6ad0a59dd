from __future__ import annotations

from dataclasses import replace

import pytest

from auricle._stream.event_merger import EventMerger
from auricle.events import VisibleEvent
from auricle.protocol import (
    Error,
    Final,
    Interim,
    LanguageSpan,
    NoWords,
    Settled,
    SpeechStarted,
    TurnEagerEnd,
    TurnEnd,
    TurnResumed,
    TurnSettings,
    Word,
)
from auricle.protocol.settings import TurnMode


def merger(mode: TurnMode = "silence") -> EventMerger:
    return EventMerger(TurnSettings(mode, 500, max_silence_ms=1_500))


def started(start: float) -> SpeechStarted:
    return SpeechStarted(start=start, audio_time=start + 0.1)


def interim(text: str, end: float) -> Interim:
    return Interim(text=text, start=0.0, end=end, language="en", audio_time=end)


def final(text: str, end: float) -> Final:
    words = (Word(text, end - 0.2, end, 0.9),) if text else ()
    return Final(text=text, start=end - 0.2, end=end, language="en", words=words, settled=end, audio_time=end)


def turn_end(text: str, speech_end: float) -> TurnEnd:
    return TurnEnd(probability=1.0, speech_end=speech_end, text=text, audio_time=speech_end + 0.5)


def settled(seconds: float) -> Settled:
    return Settled(settled=seconds, audio_time=seconds)


def hear(made: EventMerger, *events: VisibleEvent | Settled) -> list[VisibleEvent]:
    return [told for event in events for told in made.merge(made.to_stream_time(event))]


def kinds(events: list[VisibleEvent]) -> list[type]:
    return [type(event) for event in events]


def test_a_language_begins_where_the_stream_has_it() -> None:
    made = merger()
    made.resume(10.0)
    mixed = replace(final("ja yes", 1.0), languages=(LanguageSpan("de-DE", 0.8), LanguageSpan("en-US", 0.9)))
    (moved,) = hear(made, mixed)
    assert isinstance(moved, Final)
    assert [span.start for span in moved.languages] == pytest.approx([10.8, 10.9])


def test_on_one_connection_events_pass_as_they_are() -> None:
    events: list[VisibleEvent] = [
        started(0.1),
        interim("hi", 0.3),
        TurnEagerEnd(probability=0.5, speech_end=0.3, text="hi"),
        TurnResumed(probability=0.2),
        final("hi there", 0.6),
        turn_end("hi there", 0.6),
        Error(code="unsupported_latency", fault="client", fatal=False, message="m"),
    ]
    heard = hear(merger(), *events)
    assert [event.seq for event in heard] == [1, 2, 3, 4, 5, 6, 7]
    assert kinds(heard) == kinds(events)
    assert [getattr(event, "text", None) for event in heard] == [getattr(event, "text", None) for event in events]


def test_settled_is_between_client_and_server() -> None:
    assert hear(merger(), settled(1.0)) == []


def test_times_are_the_streams_own() -> None:
    made = merger()
    made.resume(10.0)
    (heard,) = hear(made, final("hi", 1.0))
    assert isinstance(heard, Final)
    assert (heard.start, heard.end, heard.settled, heard.audio_time) == (10.8, 11.0, 11.0, 11.0)
    assert heard.words == (Word("hi", 10.8, 11.0, 0.9),)


def test_numbers_go_on() -> None:
    made = merger()
    first = hear(made, started(0.1), final("hi", 0.5), turn_end("hi", 0.5))
    made.resume(1.0)
    assert [event.seq for event in [*first, *hear(made, started(0.1))]] == [1, 2, 3, 4]


def test_a_turn_does_not_begin_twice() -> None:
    made = merger()
    hear(made, started(0.1), interim("one two", 0.5))
    assert made.speaking
    made.resume(0.0)
    assert kinds(hear(made, started(0.1), interim("one two three", 0.9))) == [Interim]


def test_text_on_the_screen_does_not_shrink() -> None:
    made = merger()
    hear(made, started(0.1), interim("one two three", 0.9))
    made.resume(0.05)
    replay = hear(made, started(0.05), interim("one", 0.25), interim("one two three", 0.85), interim("and four", 1.1))
    assert [event.text for event in replay if isinstance(event, Interim)] == ["and four"]


def test_the_next_segment_shows_from_its_first_word() -> None:
    made = merger()
    hear(made, started(0.1), interim("one", 5.0))
    made.resume(0.0)
    heard = hear(made, final("one", 5.0), interim("two", 5.2))
    assert kinds(heard) == [Final, Interim]


def test_the_end_of_a_turn_tells_all_of_it() -> None:
    made = merger()
    hear(made, started(0.1), final("one", 0.5), final("", 0.6))
    made.resume(0.6)
    hear(made, started(0.1), final("two", 0.5))
    made.resume(1.1)
    heard = hear(made, started(0.1), final("three", 0.5), turn_end("three", 0.5))
    assert [event.text for event in heard if isinstance(event, TurnEnd)] == ["one two three"]
    assert not made.speaking
    assert [event.text for event in hear(made, turn_end("four", 3.0)) if isinstance(event, TurnEnd)] == ["four"]


def test_a_turn_whose_end_was_cut_off_ends_before_the_next_begins() -> None:
    made = merger()
    hear(made, started(0.1), final("one", 0.5))
    made.resume(0.7)
    heard = hear(made, started(0.3))
    assert kinds(heard) == [TurnEnd, SpeechStarted]
    end = heard[0]
    assert isinstance(end, TurnEnd)
    assert (end.text, end.speech_end) == ("one", 0.5)
    assert made.speaking


def test_speech_that_goes_on_soon_enough_belongs_to_the_same_turn() -> None:
    made = merger()
    hear(made, started(0.1), final("one", 0.5))
    made.resume(0.7)
    assert hear(made, started(0.2)) == []
    assert kinds(hear(made, final("two", 0.5), turn_end("two", 0.5))) == [Final, TurnEnd]


def test_a_turn_whose_end_was_cut_off_ends_when_the_new_server_hears_nothing() -> None:
    made = merger()
    hear(made, started(0.1), final("one", 0.5))
    made.resume(0.5)
    assert hear(made, settled(0.4)) == []
    assert kinds(hear(made, settled(0.5))) == [TurnEnd]
    assert hear(made, settled(1.5)) == []


def test_a_turn_whose_end_was_cut_off_ends_with_the_stream() -> None:
    made = merger()
    hear(made, started(0.1), final("one", 0.5))
    made.resume(0.7)
    (end,) = made.finish(0.9)
    assert isinstance(end, TurnEnd)
    assert (end.text, end.audio_time) == ("one", 0.9)
    assert made.finish(0.9) == []


def test_a_server_that_heard_it_all_ends_its_turns_itself() -> None:
    made = merger()
    hear(made, started(0.1), final("one", 0.5))
    assert made.finish(0.9) == []


def test_a_word_that_the_new_server_does_not_hear_still_ends_its_turn() -> None:
    made = merger()
    hear(made, started(0.1), interim("um", 0.4))
    made.resume(0.0)
    assert kinds(hear(made, settled(2.0))) == [TurnEnd]


def test_without_turns_a_segment_ends_with_its_final() -> None:
    made = merger("off")
    hear(made, started(0.1), interim("one", 0.4))
    made.resume(0.0)
    assert kinds(hear(made, started(0.1), final("one", 0.5), started(0.9))) == [Final, SpeechStarted]


def test_without_turns_none_is_made_up() -> None:
    made = merger("off")
    hear(made, started(0.1))
    made.resume(0.0)
    assert hear(made, settled(5.0)) == []
    assert not made.speaking
    assert made.finish(5.0) == []


@pytest.mark.parametrize(("then", "text"), [("off", "two"), ("semantic", "one two")])
def test_a_turn_is_forgotten_where_turns_cease_and_not_where_they_are_found_otherwise(
    then: TurnMode, text: str
) -> None:
    made = merger()
    hear(made, started(0.1), final("one", 0.5))
    made.change_turn(TurnSettings(then))
    made.change_turn(TurnSettings("silence"))
    made.resume(0.5)
    (end,) = hear(made, started(0.1), final("two", 0.5), turn_end("two", 0.5))[1:]
    assert isinstance(end, TurnEnd)
    assert end.text == text


def test_turn_settings_may_change_on_the_way() -> None:
    made = merger()
    hear(made, started(0.1), final("one", 0.5))
    made.change_turn(TurnSettings("silence", 5_000))
    made.resume(0.5)
    assert hear(made, settled(2.0)) == []
    assert kinds(hear(made, settled(5.0))) == [TurnEnd]


def eager_end(text: str, speech_end: float) -> TurnEagerEnd:
    return TurnEagerEnd(probability=0.5, speech_end=speech_end, text=text, audio_time=speech_end + 0.2)


def cut_in_an_eager_end() -> EventMerger:
    made = merger()
    hear(made, started(0.1), interim("hi", 0.3), eager_end("hi", 0.3))
    made.resume(0.0)
    return made


def test_an_eager_end_is_told_once_though_two_servers_find_it() -> None:
    heard = hear(cut_in_an_eager_end(), started(0.1), interim("hi", 0.3), eager_end("hi", 0.3), turn_end("hi", 0.3))
    assert kinds(heard) == [TurnEnd]


def test_an_eager_end_is_taken_back_when_the_next_server_hears_more() -> None:
    heard = hear(cut_in_an_eager_end(), started(0.1), interim("hi there", 0.6), eager_end("hi there", 0.6))
    assert kinds(heard) == [Interim, TurnResumed, TurnEagerEnd]


def test_an_eager_end_is_taken_back_once() -> None:
    made = cut_in_an_eager_end()
    heard = hear(made, started(0.1), eager_end("hi", 0.3), interim("hi there", 0.6), TurnResumed(probability=0.1))
    assert kinds(heard) == [Interim, TurnResumed]


def test_an_eager_end_with_other_words_replaces_the_one_before() -> None:
    heard = hear(cut_in_an_eager_end(), started(0.1), eager_end("high", 0.3))
    assert kinds(heard) == [TurnResumed, TurnEagerEnd]


def test_an_end_with_other_words_takes_the_eager_one_back_first() -> None:
    heard = hear(cut_in_an_eager_end(), started(0.1), final("high", 0.3), turn_end("high", 0.3))
    assert kinds(heard) == [Final, TurnResumed, TurnEnd]


def test_an_eager_end_holds_the_words_that_went_to_the_server_before() -> None:
    made = merger()
    hear(made, started(0.1), final("one", 0.3))
    made.resume(0.3)
    (heard,) = hear(made, started(0.2), eager_end("two", 0.4))
    assert isinstance(heard, TurnEagerEnd)
    assert heard.text == "one two"


def test_a_voice_that_two_servers_report_is_reported_once() -> None:
    made = merger()
    assert kinds(hear(made, NoWords(start=1.0, end=2.0, audio_time=2.6))) == [NoWords]
    made.resume(0.5)
    again, other = NoWords(start=0.52, end=1.5, audio_time=2.1), NoWords(start=4.0, end=5.0, audio_time=5.6)
    assert hear(made, again, other) == [replace(other, start=4.5, end=5.5, audio_time=6.1, seq=2)]


def test_a_turn_over_two_servers_has_all_that_it_dictates() -> None:
    made = merger()
    hear(made, started(0.1), replace(final("zero four", 0.6), collected="04", backchannel=0.02))
    made.resume(0.6)
    rest = replace(turn_end("okay", 0.9), collected="15", backchannel=0.7)
    end = hear(made, started(0.2), replace(final("okay", 0.9), collected="15", backchannel=0.7), rest)[-1]
    assert isinstance(end, TurnEnd)
    assert (end.text, end.collected, end.backchannel) == ("zero four okay", "0415", 0.02)
    hear(made, started(2.1), replace(final("okay", 2.6), collected="9", backchannel=0.7))
    made.resume(3.0)
    (end,) = made.finish(9.0)
    assert isinstance(end, TurnEnd)
    assert (end.text, end.collected, end.backchannel) == ("okay", "9", 0.7)

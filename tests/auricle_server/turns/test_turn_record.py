"""What the client is sent about a turn's end: eager ends, their recall, and the end itself."""

from __future__ import annotations

from auricle.protocol.server_messages import ServerEvent, TurnEagerEnd, TurnEnd, TurnResumed
from auricle_server.turns import TurnRecord


def update(record: TurnRecord, text: str, probability: float | None, *, ended: bool = False) -> list[ServerEvent]:
    return record.update_eager_end(text, probability, ended=ended, speech_end=1.0, audio_time=2.0)


def test_an_eager_end_is_sent_once_with_all_words_of_the_turn() -> None:
    record = TurnRecord()
    record.add("I would like")
    assert update(record, "a table", None) == []
    text = "I would like a table"
    eager = TurnEagerEnd(audio_time=2.0, probability=0.6, speech_end=1.0, text=text, backchannel=0.02)
    assert update(record, "a table", 0.6) == [eager]
    assert update(record, "a table", 0.7) == []


def test_it_is_taken_back_when_speech_goes_on_and_replaced_when_words_change() -> None:
    record = TurnRecord()
    update(record, "a table", 0.6)
    assert update(record, "a table", None) == [TurnResumed(audio_time=2.0, probability=0.0)]
    update(record, "a table", 0.6)
    assert [type(event) for event in update(record, "a table for", 0.7)] == [TurnResumed, TurnEagerEnd]


def test_no_eager_end_comes_with_the_end_itself() -> None:
    record = TurnRecord()
    assert update(record, "yes", 1.0, ended=True) == []
    update(record, "yes", 0.6)
    assert update(record, "yes", 1.0, ended=True) == [], "the eager end was right"
    record.add("yes")
    end = record.end(speech_end=1.0, audio_time=2.0, probability=0.9)
    assert end == TurnEnd(audio_time=2.0, probability=0.9, speech_end=1.0, text="yes", backchannel=0.4)
    assert not record.has_words
    assert update(record, "", None) == [], "the next turn starts without an eager end"


def test_the_finals_of_a_turn_are_joined() -> None:
    record = TurnRecord()
    record.add("one")
    record.add("two")
    assert record.has_words
    assert record.end(speech_end=1.0, audio_time=2.0).text == "one two"
    record.add("three")
    record.forget()
    assert not record.has_words


def test_only_english_is_judged_as_a_backchannel() -> None:
    record = TurnRecord()
    record.add("okay", english=False)
    [eager] = record.update_eager_end("", 0.6, ended=False, speech_end=1.0, audio_time=2.0)
    assert isinstance(eager, TurnEagerEnd)
    assert eager.backchannel is None
    assert record.end(speech_end=1.0, audio_time=2.0).backchannel is None
    record.add("okay")
    judged = record.end(speech_end=1.0, audio_time=2.0).backchannel
    assert judged is not None, "the next turn is English"
    assert judged > 0.5


def test_a_turn_without_a_text_is_no_backchannel() -> None:
    assert TurnRecord().end(speech_end=1.0, audio_time=2.0).backchannel is None


def test_what_is_dictated_is_read_from_the_whole_turn() -> None:
    record = TurnRecord("digits")
    record.add("zero four, double")
    [eager] = record.update_eager_end("one five", 0.6, ended=False, speech_end=1.0, audio_time=2.0)
    assert isinstance(eager, TurnEagerEnd)
    assert eager.collected == "04115"
    record.add("one five")
    assert record.end(speech_end=1.0, audio_time=2.0).collected == "04115"
    record.add("one five")
    record.expect = "none"
    assert record.end(speech_end=1.0, audio_time=2.0).collected == ""

"""A stream whose words are written as its client asks for, beside the same stream without."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from auricle.protocol.client_messages import Start, Update
from auricle.protocol.server_messages import Final, Interim, ServerEvent, TurnEagerEnd, TurnEnd, TurnResumed
from auricle.protocol.settings import AS_SAID, Replacement, TextFormat, TurnSettings
from auricle_server.stream.stream_state import StreamState
from tests.auricle_server.stream.test_stream_state import INFO, Talk

PIECES = ("▁twenty", "▁three", ".", "▁dollars", "▁hello", "<de-DE>")
TWENTY, THREE, STOP, DOLLARS, HELLO, GERMAN = range(len(PIECES))
SMART = TextFormat(numbers="smart")


class NumberTalk(Talk):
    def __init__(self, **start: Any) -> None:
        self.stream = StreamState(dataclasses.replace(INFO, pieces=PIECES), Start(**start), "session")


def texts(events: list[ServerEvent], kind: type[Interim | Final | TurnEagerEnd | TurnEnd]) -> list[str]:
    return [event.text for event in events if isinstance(event, kind)]


def without_text(event: ServerEvent) -> dict[str, object]:
    return {name: value for name, value in dataclasses.asdict(event).items() if name not in {"text", "words"}}


def said(text_format: TextFormat, **start: Any) -> list[ServerEvent]:
    talk = NumberTalk(text_format=text_format, turn=TurnSettings(silence_ms=500), **start)
    events = talk.chunk(1.0, HELLO, TWENTY, frame=8)
    events += talk.chunk(1.2, THREE, DOLLARS, STOP, frame=12)
    return events + talk.chunk(2.0)


def test_interims_finals_and_turn_ends_are_written_alike() -> None:
    events = said(SMART, interim_words=True)
    assert texts(events, Interim) == ["hello 20", "hello $23."]
    assert texts(events, Final) == texts(events, TurnEnd) == ["hello $23."]
    [final] = [event for event in events if isinstance(event, Final)]
    last = [event for event in events if isinstance(event, Interim)][-1]
    assert [word.text for word in final.words] == [word.text for word in last.words] == ["hello", "$23."]


def test_words_keep_their_times_and_nothing_else_changes() -> None:
    plain, formatted = said(AS_SAID), said(SMART)
    assert [without_text(event) for event in plain] == [without_text(event) for event in formatted]
    [before] = [event for event in plain if isinstance(event, Final)]
    [after] = [event for event in formatted if isinstance(event, Final)]
    assert (before.text, len(before.words)) == ("hello twenty three dollars.", 4)
    assert after.words[0] == before.words[0]
    assert (after.words[1].start, after.words[1].end) == (before.words[1].start, before.words[3].end)
    assert after.words[1].confidence == pytest.approx(sum(word.confidence for word in before.words[1:]) / 3, abs=1e-4)


def test_finals_without_words_are_written_too() -> None:
    events = said(SMART, words=False)
    assert texts(events, Final) == ["hello $23."]


def test_a_turn_has_the_text_of_its_finals() -> None:
    talk = NumberTalk(text_format=SMART, turn=TurnSettings(silence_ms=500, eager_silence_ms=160))
    talk.chunk(1.0, HELLO, TWENTY, frame=8)
    mark = talk.stream.finalize("a")
    events = talk.chunk(1.0, mark=mark)
    events += talk.chunk(1.2, THREE, DOLLARS, frame=13)
    events += talk.chunk(1.6) + talk.chunk(2.4)
    assert texts(events, Final) == ["hello 20", "$3"]
    # An agent compares the two: what it has prepared for the eager end holds at the end.
    assert texts(events, TurnEagerEnd)[-1] == texts(events, TurnEnd)[0] == "hello 20 $3"
    ends = [type(event) for event in events if isinstance(event, TurnEagerEnd | TurnEnd | TurnResumed)]
    assert ends[-2:] == [TurnEagerEnd, TurnEnd]


def test_a_format_changes_from_the_next_event_on() -> None:
    talk = NumberTalk(turn=TurnSettings(silence_ms=500))
    talk.chunk(1.0, TWENTY, frame=8)
    talk.chunk(1.0, mark=talk.stream.finalize("a"))
    talk.stream.update(Update(text_format=TextFormat("smart", replace=(Replacement("hello", "Hi"),))))
    events = talk.chunk(1.2, THREE, DOLLARS, HELLO, frame=13) + talk.chunk(2.4)
    assert texts(events, Final) == ["$3 Hi"]
    assert texts(events, TurnEnd) == ["twenty $3 Hi"]
    talk.stream.update(Update(text_format=AS_SAID))
    events = talk.chunk(3.0, TWENTY, frame=36) + talk.chunk(4.0)
    assert texts(events, Final) == texts(events, TurnEnd) == ["twenty"]


def test_other_languages_are_left_alone() -> None:
    talk = NumberTalk(text_format=SMART, language="auto", turn=TurnSettings(silence_ms=500))
    events = talk.chunk(1.0, TWENTY, THREE, GERMAN, frame=8) + talk.chunk(2.0)
    assert texts(events, Final) == ["twenty three"]


def test_a_long_replacement_shares_the_time_of_its_phrase() -> None:
    events = said(TextFormat(replace=(Replacement("hello", "Good morning everybody"),)))
    [final] = [event for event in events if isinstance(event, Final)]
    assert final.text == "Good morning everybody twenty three dollars."
    assert all(before.end <= after.start for before, after in zip(final.words, final.words[1:], strict=False))
    assert all(word.start <= word.end for word in final.words)


def test_finals_do_not_pile_up_without_turns() -> None:
    talk = NumberTalk(text_format=SMART, turn=TurnSettings(mode="off"))
    for second in range(1, 40):
        talk.chunk(second, TWENTY, frame=12 * second - 2)
        assert texts(talk.chunk(second, mark=talk.stream.finalize(str(second))), Final) == ["20"]
    assert len(talk.stream._formatter._finals) <= 1

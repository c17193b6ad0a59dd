"""One stream with a second pass: what waits for it, what does not, and the order of the events."""

from __future__ import annotations

from typing import Any

import pytest

from auricle.protocol.client_messages import Update
from auricle.protocol.server_messages import (
    Final,
    Interim,
    ServerEvent,
    Settled,
    SpeechStarted,
    TurnEagerEnd,
    TurnEnd,
    TurnResumed,
)
from auricle.protocol.settings import TurnSettings
from auricle_server.ipc.columns import ChunkResult
from auricle_server.ipc.messages import CAUGHT_UP, SecondPassChanged
from tests.auricle_server.stream.test_stream_state import ONE, SECOND, TWO, Talk, kinds, silence
from tests.auricle_server.stream.test_stream_state_turns import eager


class Pair(Talk):
    """Both passes of a stream, chunk by chunk."""

    def __init__(self, **start: Any) -> None:
        super().__init__(**start)
        assert self.lane(active=True) == []

    def lane(self, *, active: bool, base: int = 0) -> list[ServerEvent]:
        return self.stream.on_result(SecondPassChanged(0, active, base))

    def second(self, seconds: float, *tokens: int, frame: int = 0, mark: int | None = None) -> list[ServerEvent]:
        frames = tuple(range(frame, frame + len(tokens)))
        samples = round(seconds * SECOND)
        sure = (0.8,) * len(tokens)
        return self.stream.on_result(ChunkResult(0, samples, tokens, frames, sure, sure, mark, refined=True))


def only_final(events: list[ServerEvent]) -> Final:
    [final] = [event for event in events if isinstance(event, Final)]
    return final


def test_a_final_has_the_words_of_the_second_pass() -> None:
    talk = Pair(turn=silence(500))
    assert kinds(talk.chunk(1.0, ONE, frame=10)) == [SpeechStarted, Interim]
    assert not talk.stream.needs_second_pass_flush()
    assert talk.chunk(1.4) == []
    assert talk.stream.needs_second_pass_flush()
    assert not talk.stream.needs_second_pass_flush()  # said once
    final, end = talk.second(1.5, TWO, frame=9, mark=CAUGHT_UP)
    assert isinstance(final, Final)
    assert (final.text, final.refined, [word.text for word in final.words]) == ("two", True, ["two"])
    assert (final.start, final.end) == (0.8, 0.88)  # as the interims said
    assert isinstance(end, TurnEnd)
    assert (end.audio_time, end.speech_end, end.text) == (1.4, 0.88, "two")


def test_a_second_pass_that_is_ahead_is_not_flushed() -> None:
    talk = Pair(turn=silence(500))
    talk.chunk(1.0, ONE, frame=10)
    talk.second(1.5, ONE, frame=10)
    assert kinds(talk.chunk(1.4)) == [Final, TurnEnd]
    assert not talk.stream.needs_second_pass_flush()


def test_a_flush_that_is_on_its_way_serves_a_turns_end_too() -> None:
    talk = Pair(turn=silence(500))
    talk.chunk(1.0, ONE, frame=10)
    talk.stream.count_audio(SECOND)
    mark = talk.stream.finalize("f")
    assert talk.chunk(1.4) == []
    assert not talk.stream.needs_second_pass_flush()
    assert kinds(talk.second(2.0, ONE, TWO, frame=10, mark=mark)) == [Final, TurnEnd]
    final = only_final(talk.chunk(2.0, mark=mark))
    assert (final.text, final.finalize_id, final.refined) == ("", "f", True)


@pytest.mark.parametrize("second_first", [True, False])
def test_a_finalize_waits_for_both_answers_in_any_order(second_first: bool) -> None:
    talk = Pair()
    talk.chunk(1.0, ONE, frame=10)
    mark = talk.stream.finalize("f")
    events: list[ServerEvent] = []
    for second in (second_first, not second_first):
        assert events == []
        assert talk.stream.unanswered == 1
        events += talk.second(1.0, TWO, frame=9, mark=mark) if second else talk.chunk(1.0, mark=mark)
    assert (only_final(events).text, only_final(events).refined) == ("two", True)
    assert talk.stream.unanswered == 0
    assert not talk.stream.needs_second_pass_flush()


def test_what_comes_meanwhile_waits_in_its_order() -> None:
    talk = Pair(turn=silence(500))
    talk.chunk(1.0, ONE, frame=10)
    assert talk.chunk(1.4) == []
    assert talk.stream.turn_ended_at == 1.4 * SECOND
    assert talk.chunk(1.6, TWO, frame=18) == []
    assert talk.chunk(1.7) == []
    talk.stream.update(Update(turn=silence(200)))
    events = talk.second(2.0, ONE, frame=10, mark=CAUGHT_UP)
    assert kinds(events) == [Final, TurnEnd, SpeechStarted, Interim]
    assert [event.audio_time for event in events] == [1.4, 1.4, 1.6, 1.6]
    assert kinds(talk.chunk(1.9)) == [Final, TurnEnd]  # the shorter silence, queued with the results, holds now
    assert talk.stream.turn_ended_at == 1.9 * SECOND


def test_a_turn_that_ends_while_another_waits_asks_for_itself() -> None:
    talk = Pair(turn=silence(200))
    talk.chunk(1.0, ONE, frame=10)
    assert talk.chunk(1.2) == []
    assert talk.chunk(1.6, TWO, frame=18) == []
    assert talk.chunk(1.8) == []
    assert talk.stream.needs_second_pass_flush()
    events = talk.second(1.3, ONE, frame=10, mark=CAUGHT_UP)
    assert kinds(events) == [Final, TurnEnd, SpeechStarted, Interim]
    assert talk.stream.needs_second_pass_flush()
    events = talk.second(1.9, TWO, frame=18, mark=CAUGHT_UP)
    assert kinds(events) == [Final, TurnEnd]
    assert only_final(events).text == "two"


def test_a_second_pass_that_closes_while_a_final_waits_leaves_it_to_the_first() -> None:
    talk = Pair(turn=silence(500))
    talk.chunk(1.0, ONE, frame=10)
    talk.chunk(1.4)
    final, end = talk.lane(active=False)
    assert isinstance(final, Final)
    assert (final.text, final.refined) == ("one", False)
    assert isinstance(end, TurnEnd)


def test_words_that_only_the_first_pass_found_are_dropped() -> None:
    talk = Pair(turn=silence(500))
    talk.chunk(1.0, ONE, frame=10)
    talk.chunk(1.4)
    final, end = talk.second(1.5, mark=CAUGHT_UP)
    assert isinstance(final, Final)
    assert (final.text, final.refined, final.start, final.end) == ("", True, 0.8, 0.88)
    assert isinstance(end, TurnEnd)
    assert end.text == ""


def test_words_that_only_the_second_pass_found_come_with_the_next_final() -> None:
    talk = Pair()
    talk.second(1.1, ONE, frame=2)
    assert talk.chunk(1.2) == []
    mark = talk.stream.end()
    talk.second(1.2, mark=mark)
    final, end = talk.chunk(1.2, mark=mark)
    assert isinstance(final, Final)
    assert (final.text, final.start, final.end) == ("one", 0.16, 0.24)
    assert isinstance(end, TurnEnd)
    assert talk.stream.over


def test_they_come_by_themselves_after_a_while_and_nothing_settles_before() -> None:
    talk = Pair()
    talk.second(1.1, ONE, frame=2)
    events: list[ServerEvent] = []
    for second in range(2, 90):
        events += talk.second(float(second))
        events += talk.chunk(float(second))
        if events:
            break
    assert kinds(events) == [Final, Settled]
    final = only_final(events)
    assert (final.text, second) == ("one", 61)


def test_an_eager_end_is_taken_back_when_the_words_turn_out_otherwise() -> None:
    talk = Pair(turn=eager())
    talk.chunk(0.16, ONE)
    assert kinds(talk.chunk(0.32)) == [TurnEagerEnd]
    talk.chunk(0.64)
    events = talk.second(0.8, TWO, mark=CAUGHT_UP)
    assert kinds(events) == [TurnResumed, Final, TurnEnd]
    assert isinstance(events[2], TurnEnd)
    assert events[2].text == "two"


def test_an_eager_end_stands_when_the_words_are_the_same() -> None:
    talk = Pair(turn=eager())
    talk.chunk(0.16, ONE)
    talk.chunk(0.32)
    talk.chunk(0.64)
    assert kinds(talk.second(0.8, ONE, mark=CAUGHT_UP)) == [Final, TurnEnd]


def test_the_end_waits_for_both() -> None:
    talk = Pair()
    talk.chunk(1.0, ONE, frame=10)
    mark = talk.stream.end()
    assert talk.chunk(1.0, mark=mark) == []
    assert not talk.stream.over
    assert talk.stream.drain() is None
    assert kinds(talk.second(1.0, ONE, TWO, frame=10, mark=mark)) == [Final, TurnEnd]
    assert talk.stream.over


def test_a_drain_takes_what_was_said_and_no_word_that_begins() -> None:
    talk = Pair()
    talk.chunk(1.0, ONE, frame=10)
    mark = talk.stream.drain()
    assert talk.chunk(1.3, mark=mark) == []
    final = only_final(talk.second(1.3, ONE, TWO, frame=10, mark=mark))
    assert final.text == "one two"
    assert 0.88 < final.settled < 1.3
    assert talk.stream.over


def test_a_turn_mode_that_changes_while_a_turns_end_waits_takes_nothing_from_it() -> None:
    talk = Pair(turn=silence(500))
    talk.chunk(1.0, ONE, frame=10)
    talk.chunk(1.4)
    talk.stream.update(Update(turn=TurnSettings(mode="off")))
    events = talk.second(1.5, ONE, frame=10, mark=CAUGHT_UP)
    assert kinds(events) == [Final, TurnEnd]
    assert isinstance(events[1], TurnEnd)
    assert events[1].text == "one"
    assert talk.chunk(9.0) == []


def test_what_the_worker_must_know_of_refinement() -> None:
    assert Talk().stream.update(Update(refine="auto")).refine == "auto"
    assert Talk().stream.update(Update()).refine is None

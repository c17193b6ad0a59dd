"""Speech without an end still gets finals: at a pause, at least every so many seconds, and without a word lost."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from auricle.protocol.client_messages import Start, Update
from auricle.protocol.server_messages import (
    Final,
    Interim,
    ServerEvent,
    SpeechStarted,
    TurnEagerEnd,
    TurnEnd,
    TurnResumed,
)
from auricle.protocol.settings import TurnMode, TurnSettings
from auricle_server.stream.stream_state import StreamState
from tests.auricle_server.stream.test_stream_state import INFO, ONE, TWO, Talk, kinds

FRAME = 0.08
CHUNK = 2 * FRAME


def endless(talk: Talk, words: int, *, every: int = 4, first: int = 0) -> tuple[list[ServerEvent], list[str]]:
    """Words without a pause, one in every so many frames; the events, and the words that were said."""
    events: list[ServerEvent] = []
    said: list[str] = []
    for frame in range(first, first + words * every, 2):
        token = [(ONE, TWO)[len(said) % 2]] if frame % every == 0 else []
        said += [("one", "two")[len(said) % 2]] if token else []
        events += talk.chunk(round((frame + 2) * FRAME, 2), *token, frame=frame)
    return events, said


def texts(events: list[ServerEvent], kind: type[Final | TurnEnd]) -> list[str]:
    return [event.text for event in events if isinstance(event, kind)]


@pytest.mark.parametrize("mode", ["off", "silence", "semantic"])
def test_endless_speech_has_a_final_at_least_every_so_many_seconds(mode: TurnMode) -> None:
    talk = Talk(turn=TurnSettings(mode, max_turn_seconds=3))
    events, said = endless(talk, 100)
    events += talk.chunk(33.0, mark=talk.stream.end())
    finals = [event for event in events if isinstance(event, Final)]
    assert len(finals) >= 10
    assert " ".join(final.text for final in finals).split() == said, "no word is lost, and none is doubled"
    assert all(final.audio_time - final.start <= 3 + CHUNK for final in finals)
    assert all(before.end <= after.start for before, after in pairwise(finals))
    assert all(before.settled <= after.start for before, after in pairwise(finals))
    ends = texts(events, TurnEnd)
    assert ends == ([] if mode == "off" else [final.text for final in finals])
    assert kinds(events).count(SpeechStarted) == len(finals)


def test_speech_without_a_bound_has_none() -> None:
    talk = Talk(turn=TurnSettings("silence"))
    events, _ = endless(talk, 100)
    assert texts(events, Final) == []


def test_a_turn_that_pauses_when_it_is_over_ends_there_with_all_its_words() -> None:
    talk = Talk(turn=TurnSettings("silence", silence_ms=2_000, max_turn_seconds=2))
    endless(talk, 6)
    assert talk.chunk(1.92 + 0.07) == []
    events = talk.chunk(2.2)
    assert kinds(events) == [Final, TurnEnd]
    assert texts(events, TurnEnd) == ["one two one two one two"]
    assert talk.chunk(2.4) == [], "nothing is left for the next turn"


def test_a_turn_is_cut_at_its_longest_pause_and_the_rest_begins_the_next() -> None:
    talk = Talk(turn=TurnSettings("silence", silence_ms=2_000, max_turn_seconds=2))
    talk.chunk(0.16, ONE, frame=0)
    talk.chunk(1.44, TWO, frame=16)
    talk.chunk(1.6, ONE, frame=18)
    events = talk.chunk(2.08, TWO, frame=24)
    assert kinds(events) == [Final, TurnEnd]
    assert texts(events, Final) == texts(events, TurnEnd) == ["one two one"]
    assert isinstance(events[1], TurnEnd)
    assert events[1].speech_end <= 1.92
    started, interim = talk.chunk(2.24)
    assert started == SpeechStarted(audio_time=2.24, start=1.92)
    assert isinstance(interim, Interim)
    assert interim.text == "two"
    [final, end] = talk.chunk(2.4, mark=talk.stream.end())
    assert isinstance(final, Final)
    assert isinstance(end, TurnEnd)
    assert (final.text, end.text) == ("two", "two")


def test_the_rest_of_a_cut_turn_is_a_turn_whatever_the_client_asks_for_meanwhile() -> None:
    talk = Talk(turn=TurnSettings("silence", silence_ms=2_000, max_turn_seconds=2))
    talk.chunk(0.16, ONE, frame=0)
    talk.chunk(1.6, ONE, frame=18)
    assert kinds(talk.chunk(2.08, TWO, frame=24)) == [Final, TurnEnd]
    talk.stream.update(Update(turn=TurnSettings("silence", silence_ms=500)))
    assert kinds(talk.chunk(2.24)) == [SpeechStarted, Interim]
    events = talk.chunk(2.6)
    assert texts(events, TurnEnd) == ["two"]


def test_the_age_of_a_turn_counts_from_its_first_word_whatever_was_finalized() -> None:
    talk = Talk(turn=TurnSettings("silence", silence_ms=3_000, max_turn_seconds=2))
    talk.chunk(0.16, ONE, frame=0)
    talk.chunk(1.0, mark=talk.stream.finalize("f"))
    assert kinds(talk.chunk(2.16, TWO, frame=25)) == [Interim], "no word is cut"
    events = talk.chunk(2.4)
    assert kinds(events) == [Final, TurnEnd]
    assert texts(events, TurnEnd) == ["one two"]


def test_a_word_longer_than_the_bound_is_not_cut_at_once() -> None:
    talk = Talk(turn=TurnSettings("off", max_turn_seconds=1))
    events: list[ServerEvent] = []
    for frame in range(0, 60, 2):
        events += talk.chunk(round((frame + 2) * FRAME, 2), *([ONE] if frame == 0 else []), frame=frame)
    assert texts(events, Final) == ["one"]


def test_a_script_without_blanks_is_cut_a_little_later() -> None:
    talk = Talk()
    info = replace(INFO, pieces=("▁好", "好"))
    talk.stream = StreamState(info, Start(turn=TurnSettings("silence", max_turn_seconds=2)), "session")
    events: list[ServerEvent] = []
    for frame in range(0, 200, 2):
        events += talk.chunk(round((frame + 2) * FRAME, 2), min(frame, 1), frame=frame)
    events += talk.chunk(16.2, mark=talk.stream.end())
    finals = [event for event in events if isinstance(event, Final)]
    assert "".join(final.text for final in finals) == "好" * 100
    assert all(final.end - final.start <= 4 + CHUNK for final in finals)


def test_a_bound_may_be_set_in_the_running_turn() -> None:
    talk = Talk(turn=TurnSettings("silence"))
    events, _ = endless(talk, 10)
    assert texts(events, Final) == []
    talk.stream.update(Update(turn=TurnSettings("silence", max_turn_seconds=2)))
    more, _ = endless(talk, 1, first=40)
    assert len(texts(more, Final)) == 1, "the turn was older than that already"


@pytest.mark.parametrize("seed", range(20))
def test_no_word_is_lost_and_no_eager_end_is_wrong(seed: int) -> None:
    rng = random.Random(seed)
    settings: dict[str, Any] = {"silence_ms": 800, "eager_silence_ms": rng.choice([None, 80, 160, 400])}
    talk = Talk(turn=TurnSettings("silence", max_turn_seconds=rng.choice([1, 2, 3.5]), **settings))
    events: list[ServerEvent] = []
    said, frame = list[str](), 0
    for _ in range(200):
        count = rng.choice([0, 0, 1, 1, 2])
        tokens = [rng.choice([ONE, TWO]) for _ in range(count)]
        said += [("one", "two")[token] for token in tokens]
        events += talk.chunk(round((frame + 2) * FRAME, 2), *tokens, frame=frame)
        frame += 2
    events += talk.chunk((frame + 2) * FRAME, mark=talk.stream.end())
    assert " ".join(texts(events, Final)).split() == said
    assert " ".join(texts(events, TurnEnd)).split() == said
    times = [event.audio_time for event in events]
    assert times == sorted(times)
    promised: str | None = None
    for event in events:
        if isinstance(event, TurnEagerEnd):
            promised = event.text
        elif isinstance(event, TurnResumed):
            promised = None
        elif isinstance(event, TurnEnd):
            assert promised in {None, event.text}
            promised = None

"""What a model's word calibration changes in a stream's events, and what it leaves alone: the ends of turns."""

from __future__ import annotations

import dataclasses
from itertools import pairwise

import pytest

from auricle.protocol.client_messages import Start
from auricle.protocol.server_messages import Final, Interim, ServerEvent, SpeechStarted, TurnEnd
from auricle_server.stream.stream_state import StreamState
from auricle_server.text.calibration import WordCalibration
from tests.auricle_server.stream.test_stream_state import INFO, ONE, TWO, Talk, silence
from tests.auricle_server.stream.test_stream_state_refined import Pair

CALIBRATED = dataclasses.replace(INFO, words=WordCalibration(((80, 160.0, 80.0), (160, 160.0, 80.0)), (9.5, -1.6)))


class CalibratedTalk(Talk):
    def __init__(self) -> None:
        self.stream = StreamState(CALIBRATED, Start(turn=silence(500)), "session")


class CalibratedPair(Pair):
    def __init__(self) -> None:
        self.stream = StreamState(CALIBRATED, Start(turn=silence(500)), "session")
        assert self.lane(active=True) == []


def told(events: list[ServerEvent]) -> Final:
    [final] = [event for event in events if isinstance(event, Final)]
    return final


def test_words_move_and_ends_of_turns_do_not() -> None:
    plain, calibrated = Talk(turn=silence(500)), CalibratedTalk()
    heard = [[event for at in (1.0, 1.2, 1.5) for event in talk.chunk(at, *([ONE] if at == 1.0 else []), frame=10)]
             for talk in (plain, calibrated)]  # fmt: skip
    ends = [next(event for event in events if isinstance(event, TurnEnd)) for events in heard]
    assert ends[0] == ends[1]
    started, interim, final = heard[1][:3]
    assert isinstance(started, SpeechStarted)
    assert isinstance(interim, Interim)
    assert isinstance(final, Final)
    assert started.start == interim.start == final.start == final.words[0].start == pytest.approx(0.64)
    assert interim.end == final.end == final.words[0].end == pytest.approx(0.94)


def test_interims_carry_words_when_asked() -> None:
    talk = Talk(interim_words=True, turn=silence(500))
    first, second = talk.chunk(1.0, ONE, frame=10)[-1], talk.chunk(1.2, TWO, frame=13)[-1]
    assert isinstance(first, Interim)
    assert isinstance(second, Interim)
    assert [word.text for word in first.words] == ["one"]
    assert [word.text for word in second.words] == second.text.split() == ["one", "two"]
    assert (second.words[0].start, second.words[-1].end) == (second.start, second.end)
    assert all(0 < word.confidence <= 1 for word in second.words)
    assert second.words == told(talk.chunk(2.0)).words


def test_a_segment_has_the_confidence_of_its_words_and_an_empty_one_has_none() -> None:
    talk = CalibratedTalk()
    talk.chunk(1.0, ONE, TWO, frame=10)
    mark = talk.stream.finalize("a")
    final = told(talk.chunk(1.1, mark=mark))
    assert final.confidence == final.words[0].confidence == final.words[1].confidence
    assert final.confidence == pytest.approx(0.9990, abs=1e-3)
    mark = talk.stream.finalize("b")
    assert told(talk.chunk(1.2, mark=mark)).confidence is None


def test_words_follow_each_other_across_finals_whichever_pass_has_found_them() -> None:
    talk, finals = CalibratedPair(), list[Final]()
    for number, active in enumerate((True, False, True)):
        at = 1.0 + 0.16 * number
        if number:
            talk.lane(active=active, base=round(at * 16_000) if active else 0)
        talk.chunk(at, ONE, frame=10 + 2 * number)
        mark = talk.stream.finalize(str(number))
        events = talk.second(at + 0.04, TWO, frame=9, mark=mark) if number == 0 else []
        finals.append(told(events + talk.chunk(at + 0.04, mark=mark)))
    words = [word for final in finals for word in final.words]
    assert [word.text for word in words] == ["two", "one", "one"]
    assert all(before.end <= after.start for before, after in pairwise(words))

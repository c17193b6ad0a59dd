"""What a newer event replaces."""

from __future__ import annotations

from collections import deque

from auricle.protocol.replaceable import CROWDED, drop_replaced
from auricle.protocol.server_messages import Interim, ServerEvent, SpeechStarted
from auricle.protocol.signals import Signals

WORD = SpeechStarted(start=0.0)


def interim(text: str) -> Interim:
    return Interim(text=text, start=0.0, end=1.0, language="en-US")


def signals(audio_time: float) -> Signals:
    return Signals(audio_time=audio_time, turn_open=True)


def put(*events: ServerEvent) -> list[ServerEvent]:
    waiting: deque[ServerEvent] = deque()
    for event in events:
        drop_replaced(waiting, event)
        waiting.append(event)
    return list(waiting)


def test_the_newest_interim_waits_whatever_signals_lie_between() -> None:
    events: list[ServerEvent] = [signals(1), interim("one"), signals(2), interim("one two"), signals(3), signals(4)]
    assert put(*events) == [signals(1), signals(2), interim("one two"), signals(3), signals(4)]
    assert put(interim("one"), interim("one two")) == [interim("one two")]


def test_in_a_crowd_the_newest_signals_wait() -> None:
    many = [signals(number) for number in range(1000)]
    assert put(*many) == [*many[: CROWDED - 1], many[-1]]
    assert put(interim("one"), *many, interim("one two")) == [*many[: CROWDED - 2], many[-1], interim("one two")]


def test_what_comes_before_another_event_stays() -> None:
    assert put(signals(1), interim("one"), WORD, signals(2), interim("two")) == [
        signals(1),
        interim("one"),
        WORD,
        signals(2),
        interim("two"),
    ]
    assert put(WORD, WORD) == [WORD, WORD]


def test_other_kinds_can_be_named() -> None:
    waiting: deque[ServerEvent] = deque([WORD, WORD])
    drop_replaced(waiting, WORD, (SpeechStarted,))
    assert list(waiting) == [WORD]
    drop_replaced(waiting, interim("one"), (SpeechStarted,))
    assert list(waiting) == [WORD]

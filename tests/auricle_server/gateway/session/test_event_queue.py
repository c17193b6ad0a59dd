"""Events wait in order; only the newest of several interims in a row is sent."""

from __future__ import annotations

import json

import pytest

from auricle.protocol.client_messages import Start
from auricle.protocol.codec import encode_client
from auricle.protocol.connection import ServerConnection
from auricle.protocol.replaceable import CROWDED
from auricle.protocol.server_messages import Interim, Limits, Ready, ServerEvent, Settled, SpeechStarted
from auricle.protocol.signals import Signals
from auricle_server.gateway.session.event_queue import OutgoingEvents
from auricle_server.gateway.session.native_session import NativeDialect

READY = Ready(
    session="s",
    model="m",
    latencies_ms=(80,),
    languages=("en",),
    latency_ms=80,
    language="en",
    limits=Limits(1, 1.0, 1.0, 1.0),
)


@pytest.fixture
def queue() -> OutgoingEvents:
    connection = ServerConnection()
    connection.receive_text(encode_client(Start()))
    queue = OutgoingEvents(NativeDialect(connection).encode)
    queue.put([READY])
    assert queue.next_text() is not None
    return queue


def interim(text: str) -> Interim:
    return Interim(audio_time=1.0, text=text, start=0.0, end=1.0, language="en")


def texts(queue: OutgoingEvents) -> list[str]:
    return [json.loads(text).get("text") or json.loads(text)["type"] for text in iter(queue.next_text, None)]


def test_the_newest_interim_replaces_the_one_before_it(queue: OutgoingEvents) -> None:
    events: list[ServerEvent] = [interim("a"), interim("a b"), Settled(audio_time=1.0, settled=0.5), interim("a b c")]
    queue.put(events)
    queue.put([interim("a b c d")])
    assert len(queue.waiting) == 3
    assert texts(queue) == ["a b", "settled", "a b c d"]
    assert queue.next_text() is None


def test_a_client_that_reads_slowly_gets_the_newest_signals_alone(queue: OutgoingEvents) -> None:
    for number in range(1000):
        queue.put([Signals(audio_time=number, turn_open=True), interim("a" * number)])
    assert len(queue.waiting) <= CROWDED
    sent = [json.loads(text) for text in iter(queue.next_text, None)]
    assert [event["seq"] for event in sent] == list(range(2, len(sent) + 2))
    assert (sent[-2]["audio_time"], sent[-1]["text"]) == (999, "a" * 999)


def test_numbers_are_given_when_texts_are_sent(queue: OutgoingEvents) -> None:
    queue.put([interim("a"), interim("a b")])
    text = queue.next_text()
    assert text is not None
    assert json.loads(text)["seq"] == 2, "an event that is replaced takes no number"


def test_replayed_texts_come_first_and_replace_older_ones(queue: OutgoingEvents) -> None:
    queue.put([SpeechStarted(audio_time=1.0, start=0.5)])
    queue.replay(['{"type": "old"}'])
    queue.replay(['{"type": "one"}', '{"type": "two"}'])
    assert texts(queue) == ["one", "two", "speech_started"]


def test_a_cleared_queue_is_empty(queue: OutgoingEvents) -> None:
    queue.put([interim("a")])
    queue.replay(['{"type": "one"}'])
    queue.clear()
    assert (len(queue.waiting), queue.next_text()) == (0, None)

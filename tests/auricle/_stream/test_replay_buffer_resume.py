"""A stream resumes on another connection: the server gets what it does not have, in its place."""

from __future__ import annotations

import pytest

from auricle._stream.held_input import SentRequests
from auricle._stream.replay_buffer import Resumption
from auricle.protocol import End, Finalize, Update
from auricle.protocol.audio_positions import Held
from tests.auricle._stream.test_replay_buffer import RATE, SECOND, opened, ready, unsent


def test_a_server_that_kept_the_stream_gets_what_it_has_not_got() -> None:
    buffer = opened()
    buffer.add_audio(SECOND)
    buffer.add_message(Finalize("a"))
    buffer.add_audio(b"abcd")
    unsent(buffer)
    buffer.detach(speaking=True)
    buffer.add_audio(b"ef")
    resumption = buffer.resume(ready(held=Held(samples=RATE + 1, messages=1)))
    assert resumption == Resumption(0.0, 2 / RATE, 0.0)
    assert buffer.sent_requests == SentRequests(("a",), ended=False)
    assert unsent(buffer) == [b"cdef"]


def test_messages_that_were_lost_on_the_way_are_said_again_in_their_place() -> None:
    buffer = opened()
    buffer.add_message(Finalize("a"))
    buffer.add_audio(b"ab")
    buffer.add_message(Update(latency_ms=160))
    buffer.add_message(Finalize("b"))
    buffer.add_message(End())
    unsent(buffer)
    buffer.detach(speaking=True)
    assert buffer.resume(ready(held=Held(samples=0, messages=1))) is not None
    assert unsent(buffer) == [b"ab", Update(latency_ms=160), Finalize("b"), End()]
    assert buffer.sent_requests == SentRequests(("a", "b"), ended=True)


def test_messages_that_were_answered_before_the_cut_count_as_well() -> None:
    buffer = opened()
    buffer.add_message(Finalize("a"))
    buffer.add_audio(b"ab")
    buffer.add_message(Finalize("b"))
    unsent(buffer)
    buffer.answer("a")
    buffer.settle(0.0)
    buffer.detach(speaking=True)
    assert buffer.resume(ready(held=Held(samples=1, messages=1))) is not None
    assert unsent(buffer) == [Finalize("b")]


def test_a_stream_can_be_cut_again_before_it_has_caught_up() -> None:
    buffer = opened()
    buffer.add_audio(b"abcdef")
    buffer.add_message(Finalize("a"))
    unsent(buffer)
    buffer.detach(speaking=True)
    assert buffer.resume(ready(held=Held(samples=1, messages=0))) is not None
    assert buffer.next_unsent() == b"cdef"
    buffer.detach(speaking=True)
    assert buffer.resume(ready(held=Held(samples=2, messages=0))) is not None
    assert unsent(buffer) == [b"ef", Finalize("a")]
    buffer.detach(speaking=True)
    assert buffer.resume(ready(held=Held(samples=3, messages=1))) is not None
    assert unsent(buffer) == []


def test_an_origin_stays_that_of_the_first_connection_of_a_stream() -> None:
    buffer = opened()
    buffer.add_audio(SECOND)
    unsent(buffer)
    buffer.settle(0.5)
    buffer.detach(speaking=False)
    buffer.attach(ready())
    unsent(buffer)
    buffer.detach(speaking=False)
    resumption = buffer.resume(ready(held=Held(samples=RATE // 2, messages=0)))
    assert resumption == Resumption(0.5, 0.0, 0.0)


@pytest.mark.parametrize("held", [Held(samples=RATE + 1, messages=0), Held(0, 5), Held(0, 0), None])
def test_what_a_server_cannot_have_is_no_stream_to_go_on_with(held: Held | None) -> None:
    buffer = opened()
    buffer.add_audio(SECOND)
    unsent(buffer)
    buffer.settle(0.5)
    buffer.detach(speaking=True)
    assert buffer.resume(ready(held=held)) is None
    assert buffer.attach(ready()).origin == 0.5
    assert unsent(buffer) == [SECOND[: len(SECOND) // 2]]


def test_an_update_at_the_settled_point_is_not_forgotten_before_the_server_has_it() -> None:
    buffer = opened()
    buffer.add_audio(b"ab")
    buffer.add_message(Update(language="de"))
    unsent(buffer)
    buffer.settle(1 / RATE)
    buffer.detach(speaking=False)
    assert buffer.resume(ready(held=Held(samples=1, messages=0))) is not None
    assert unsent(buffer) == [Update(language="de")]

from __future__ import annotations

from auricle.room import Room


def test_with_a_connection_two_seconds_are_two_seconds() -> None:
    room = Room(2.0, 60.0)
    assert room.allows(1.9, now=100.0)
    assert not room.allows(2.0, now=100.0)


def test_a_microphone_is_not_held_up_by_an_outage() -> None:
    room = Room(2.0, 60.0)
    room.interrupted(10.0, now=100.0)
    for elapsed in range(300):
        assert room.allows(10.0 + elapsed, now=100.0 + elapsed)


def test_a_file_is() -> None:
    room = Room(2.0, 60.0)
    room.interrupted(10.0, now=100.0)
    assert room.allows(11.9, now=100.0)
    assert not room.allows(12.0, now=100.0)


def test_while_a_connection_catches_up_memory_is_the_bound() -> None:
    room = Room(2.0, 60.0)
    room.interrupted(10.0, now=100.0)
    room.resumed()
    assert room.allows(59.0, now=1_000.0)
    assert not room.allows(60.0, now=1_000.0)


def test_once_caught_up_the_ordinary_bound_holds() -> None:
    room = Room(2.0, 60.0)
    room.interrupted(10.0, now=100.0)
    room.resumed()
    room.sent(5.0)
    assert room.allows(5.0, now=101.0)
    room.sent(1.0)
    assert not room.allows(2.0, now=101.0)

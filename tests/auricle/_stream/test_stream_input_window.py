from __future__ import annotations

from auricle._stream.stream_input import SendWindow


def test_with_a_connection_two_seconds_are_two_seconds() -> None:
    room = SendWindow(2.0)
    assert room.allows(1.9, 50.0, now=100.0)
    assert not room.allows(2.0, 50.0, now=100.0)


def test_a_microphone_is_not_held_up_by_an_outage() -> None:
    room = SendWindow(2.0)
    room.interrupted(50.0, now=100.0)
    for elapsed in range(300):
        assert room.allows(10.0 + elapsed, 50.0 + elapsed, now=100.0 + elapsed)


def test_a_file_is() -> None:
    room = SendWindow(2.0)
    room.interrupted(50.0, now=100.0)
    assert room.allows(11.9, 51.9, now=100.0)
    assert not room.allows(12.0, 52.0, now=100.0)


def test_a_file_gains_nothing_by_one_interruption_after_another() -> None:
    room = SendWindow(2.0)
    said = 50.0
    for now in range(100, 200):
        room.interrupted(said, now=float(now))
        while room.allows(30.0, said, now=float(now)):
            said += 0.1
    assert said < 50.0 + 2.0 + 100.0


def test_a_microphone_is_not_held_up_by_one_interruption_after_another() -> None:
    room = SendWindow(2.0)
    for elapsed in range(100):
        room.interrupted(50.0 + elapsed, now=100.0 + elapsed)
        assert room.allows(30.0, 50.0 + elapsed, now=100.0 + elapsed)


def test_once_caught_up_the_ordinary_bound_holds() -> None:
    room = SendWindow(2.0)
    room.interrupted(50.0, now=100.0)
    room.sent(5.0)
    assert room.allows(5.0, 51.0, now=101.0)
    room.sent(1.0)
    assert not room.allows(2.0, 51.0, now=101.0)


def test_a_stalled_server_is_found_out_however_far_a_caller_may_run_ahead() -> None:
    window = SendWindow(60.0, stall_seconds=2.0)
    assert window.allows(59.9, 100.0, now=100.0)
    assert not window.allows(60.0, 100.0, now=100.0)
    assert not window.stalls(1.9, 100.0, now=100.0)
    assert window.stalls(2.0, 100.0, now=100.0)


def test_a_server_that_still_catches_up_with_a_live_speaker_does_not_stall() -> None:
    window = SendWindow(60.0, stall_seconds=2.0)
    window.interrupted(50.0, now=100.0)
    window.sent(5.0)
    assert not window.stalls(5.0, 60.0, now=110.0)
    window.sent(1.0)
    assert window.stalls(5.0, 60.0, now=110.0)

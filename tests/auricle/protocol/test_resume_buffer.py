"""What a server remembers of what it has sent."""

from __future__ import annotations

from auricle.protocol.resume_buffer import MAX_KEPT_EVENTS, ResumeBuffer
from auricle.protocol.server_messages import Final, Interim, SpeechStarted, TurnEnd
from auricle.protocol.signals import Signals


def test_an_interim_is_kept_until_another_or_its_final_follows() -> None:
    sent = ResumeBuffer()
    for seq, kind in enumerate([SpeechStarted, Interim, Interim, Final, TurnEnd, Interim], 1):
        sent.add(seq, kind, f"{seq}")
    assert sent.after(0) == ["1", "4", "5", "6"]
    assert sent.after(2) == ["4", "5", "6"]
    assert sent.after(6) == []


def test_an_interim_before_another_kind_of_event_stays() -> None:
    sent = ResumeBuffer()
    sent.add(1, Interim, "1")
    sent.add(2, SpeechStarted, "2")
    sent.add(3, Final, "3")
    assert sent.after(0) == ["1", "2", "3"]


def test_memory_is_bounded_and_says_how_far_back_it_goes() -> None:
    sent = ResumeBuffer()
    for seq in range(1, MAX_KEPT_EVENTS + 11):
        sent.add(seq, Final, f"{seq}")
    assert len(sent.after(0)) == MAX_KEPT_EVENTS
    assert not sent.reaches_back_to(9)
    assert sent.reaches_back_to(10)


def test_signals_leave_no_room_for_nothing_and_take_none() -> None:
    sent = ResumeBuffer()
    sent.add(1, Interim, "1")
    for seq in range(2, 10 * MAX_KEPT_EVENTS):
        sent.add(seq, Signals, f"{seq}")
    assert sent.reaches_back_to(0)
    sent.add(1000, Interim, "1000")
    assert sent.after(0) == ["1000"]

"""What a server remembers of what it has sent."""

from __future__ import annotations

from auricle.protocol.messages import Final, Interim, SpeechStarted, TurnEnd
from auricle.protocol.sent import MOST_KEPT, Sent


def test_an_interim_is_kept_until_another_or_its_final_follows() -> None:
    sent = Sent()
    for seq, kind in enumerate([SpeechStarted, Interim, Interim, Final, TurnEnd, Interim], 1):
        sent.add(seq, kind, f"{seq}")
    assert sent.after(0) == ["1", "4", "5", "6"]
    assert sent.after(2) == ["4", "5", "6"]
    assert sent.after(6) == []


def test_an_interim_before_another_kind_of_event_stays() -> None:
    sent = Sent()
    sent.add(1, Interim, "1")
    sent.add(2, SpeechStarted, "2")
    sent.add(3, Final, "3")
    assert sent.after(0) == ["1", "2", "3"]


def test_memory_is_bounded_and_says_how_far_back_it_goes() -> None:
    sent = Sent()
    for seq in range(1, MOST_KEPT + 11):
        sent.add(seq, Final, f"{seq}")
    assert len(sent.after(0)) == MOST_KEPT
    assert not sent.reaches_back_to(9)
    assert sent.reaches_back_to(10)

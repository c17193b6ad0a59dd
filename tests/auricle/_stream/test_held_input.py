from __future__ import annotations

from auricle._stream.held_input import HeldAudio, MessageLog, SentRequests, with_settings
from auricle.protocol import End, Finalize, Start, Update


def held(limit: int = 100) -> HeldAudio:
    return HeldAudio(limit)


def test_audio_is_read_once_and_in_order() -> None:
    audio = held()
    audio.append(b"abcd", keep_unsent=True)
    assert audio.read(2) == b"ab"
    audio.append(b"ef", keep_unsent=True)
    assert audio.unsent == 4
    assert audio.read(4) == b"cdef"
    assert (audio.front, audio.cursor, audio.tail) == (0, 6, 6)


def test_dropping_moves_the_front_and_never_the_tail() -> None:
    audio = held()
    audio.append(b"abcd", keep_unsent=True)
    audio.read(2)
    audio.drop_to(1)
    assert (audio.front, audio.cursor, audio.tail, len(audio)) == (1, 2, 4, 3)
    audio.drop_to(3)
    assert (audio.front, audio.cursor, audio.tail) == (3, 3, 4)
    audio.drop_to(2)
    assert audio.front == 3
    assert audio.read(1) == b"d"


def test_beyond_the_limit_the_oldest_goes() -> None:
    audio = held(limit=4)
    audio.append(b"abcdef", keep_unsent=False)
    assert (audio.front, audio.cursor, audio.read(4)) == (2, 2, b"cdef")


def test_unsent_audio_can_be_kept_beyond_the_limit() -> None:
    audio = held(limit=4)
    audio.append(b"abcdef", keep_unsent=True)
    assert len(audio) == 6
    audio.read(3)
    audio.append(b"gh", keep_unsent=True)
    assert (audio.front, audio.unsent) == (3, 5)


def test_after_a_rewind_all_is_unsent() -> None:
    audio = held()
    audio.append(b"abcd", keep_unsent=True)
    audio.read(3)
    audio.drop_to(1)
    audio.rewind()
    assert audio.unsent == len(audio) == 3
    assert audio.read(3) == b"bcd"


# --- messages --------------------------------------------------------------------------------------------------------


def filled() -> MessageLog:
    log = MessageLog()
    log.add(0, Update(language="de-DE"))
    log.add(10, Finalize("a"))
    log.add(20, Update(latency_ms=160))
    log.add(20, End())
    return log


def take(log: MessageLog, count: int) -> list[Update | Finalize | End]:
    return [log.take_next() for _ in range(count)]


def test_messages_are_taken_in_order_with_their_positions() -> None:
    log = filled()
    assert log.next_position == 0
    assert take(log, 2) == [Update(language="de-DE"), Finalize("a")]
    assert log.next_position == 20
    take(log, 2)
    assert log.next_position is None


def test_a_finalize_waits_until_it_is_answered() -> None:
    log = filled()
    assert set(log.unanswered) == {"a"}
    assert log.sent_requests == SentRequests((), ended=False)
    take(log, 4)
    assert log.sent_requests == SentRequests(("a",), ended=True)
    log.answer("a")
    assert not log.unanswered
    assert log.awaits_answer  # the end
    log.rewind()
    assert take(log, 3) == [Update(language="de-DE"), Update(latency_ms=160), End()]


def test_updates_are_settled_when_the_server_is_past_them() -> None:
    log = filled()
    assert log.settle(100) == []  # none was sent
    take(log, 3)
    assert log.settle(20) == [Update(language="de-DE")]
    assert log.settle(21) == [Update(latency_ms=160)]
    assert log.settle(100) == []


def test_a_server_that_resumes_is_sent_what_it_lacks() -> None:
    log = filled()
    take(log, 3)
    log.answer("a")
    log.rewind()
    assert log.can_resume(2)
    log.resume(2)
    assert take(log, 2) == [Update(latency_ms=160), End()]


def test_what_is_forgotten_cannot_be_sent_again() -> None:
    log = filled()
    take(log, 3)
    log.settle(30)
    log.answer("a")
    log.rewind()
    assert not log.can_resume(2)
    assert not log.can_resume(4)
    assert log.can_resume(3)


def test_settings_of_an_update_become_part_of_the_start() -> None:
    update = Update(latency_ms=160, language="de-DE")
    assert with_settings(Start(keyterms=("a",)), update) == Start(latency_ms=160, language="de-DE", keyterms=("a",))
    assert with_settings(Start(offline=True), update) == Start(offline=True, language="de-DE")

from __future__ import annotations

from auricle._stream.held_input import HeldAudio


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

"""The words of a turn as Flux tells them."""

from __future__ import annotations

from auricle.protocol.server_messages import Final, Interim, Word
from auricle_server.gateway.dialects.flux.turn import FluxTurn


def words(text: str, start: float) -> tuple[Word, ...]:
    return tuple(Word(each, start + at, start + at + 0.5, 0.9) for at, each in enumerate(text.split()))


def final(text: str, start: float, language: str = "en-US") -> Final:
    return Final(text=text, start=start, end=start + 1, language=language, words=words(text, start), settled=0.0)


def interim(text: str, start: float, language: str = "en-US") -> Interim:
    return Interim(text=text, start=start, end=start + 1, language=language, words=words(text, start))


def test_a_turn_has_its_finals_and_the_words_after_them() -> None:
    turn = FluxTurn()
    assert (turn.text, turn.words, turn.languages) == ("", [], [])
    turn.add(interim("one", 0.0))
    turn.add(interim("one two", 0.0))
    turn.add(final("one two.", 0.0))
    turn.add(interim("three", 5.0))
    assert turn.text == "one two. three"
    assert [word["word"] for word in turn.words] == ["one", "two.", "three"]
    assert turn.words[2] == {"word": "three", "confidence": 0.9, "start": 5.0, "end": 5.5}


def test_an_empty_final_adds_nothing() -> None:
    turn = FluxTurn()
    turn.add(final("one", 0.0))
    turn.add(final("", 3.0))
    assert turn.text == "one"


def test_the_language_of_most_words_comes_first() -> None:
    turn = FluxTurn()
    turn.add(final("hola", 0.0, "es-ES"))
    turn.add(final("good day", 2.0, "en-US"))
    turn.add(interim("and so on", 5.0, "auto"))
    assert turn.languages == ["en", "es"]

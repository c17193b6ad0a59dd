"""Which words a client may be told that cannot take text back."""

from __future__ import annotations

from auricle.protocol.server_messages import Final, Interim, Word
from auricle_server.gateway.dialects.openai_realtime.items import RealtimeItem


def interim(text: str) -> Interim:
    return Interim(text=text, start=0.0, end=1.0, language="en-US")


def final(text: str, language: str = "en-US") -> Final:
    words = tuple(Word(each, 0.0, 1.0, 0.5) for each in text.split())
    return Final(text=text, start=0.0, end=1.0, language=language, words=words, settled=1.0)


def test_the_last_word_waits_until_it_is_settled() -> None:
    item = RealtimeItem("item", 0.0)
    events: list[Interim | Final] = [
        interim("the"),
        interim("the ca"),
        interim("the cat"),
        interim("the cat sat"),
        final("the cat sat."),
    ]
    assert [item.settle(event) for event in events] == ["", "the", "", " cat", " sat."]
    assert item.text == "the cat sat."


def test_deltas_go_on_over_segments() -> None:
    item = RealtimeItem("item", 0.0)
    events: list[Interim | Final] = [
        final("the cat."),
        interim("it"),
        interim("it sat"),
        final(""),
        final("it sat."),
    ]
    assert [item.settle(event) for event in events] == ["the cat.", "", " it", "", " sat."]


def test_a_number_waits_until_it_is_over() -> None:
    item = RealtimeItem("item", 0.0)
    events: list[Interim | Final] = [
        interim("room one"),
        interim("room 100 and"),
        interim("room 105 is"),
        interim("room 105 is free"),
    ]
    assert [item.settle(event) for event in events] == ["room", "", "", " 105 is"]


def test_a_final_with_other_words_is_not_told_as_a_delta() -> None:
    item = RealtimeItem("item", 0.0)
    assert item.settle(interim("recognise speech now")) == "recognise speech"
    assert item.settle(final("wreck a nice beach now")) == ""
    assert item.text == "wreck a nice beach now"


def test_what_is_forgotten_is_gone() -> None:
    item = RealtimeItem("item", 0.0)
    item.settle(final("one"))
    item.forget()
    assert (item.text, item.languages, item.logprobs) == ("", [], [])
    assert item.settle(final("two")) == "two"


def test_languages_and_probabilities() -> None:
    item = RealtimeItem("item", 0.0)
    for event in (final("one"), final("dos", "es-ES"), final("three"), final("x", "auto")):
        item.settle(event)
    assert item.languages == [{"code": "en"}, {"code": "es"}]
    assert item.logprobs[1] == {"token": "dos", "logprob": -0.6931, "bytes": [100, 111, 115]}

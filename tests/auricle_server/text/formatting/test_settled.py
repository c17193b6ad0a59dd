"""Words that are told once are never written otherwise."""

from __future__ import annotations

import pytest

from auricle.protocol.server_messages import Interim
from auricle.protocol.settings import TextFormat
from auricle_server.stream.formatted_events import EventFormatter
from auricle_server.text.formatting.settled import settled

SENTENCES = [
    "I have twenty-three apples and five pears.",
    "The code is four two seven one.",
    "Call five five five, one two three, four five six seven.",
    "Dial double oh seven or eight hundred.",
    "It costs five dollars and twenty cents.",
    "Three point five million people, or two percent.",
    "On March fifth, twenty twenty six, at three thirty p.m.",
    "The twenty first of June.",
    "It's john dot smith at example dot com.",
    "One hundred and twenty people came.",
    "We meet at seven o'clock in room one hundred and five tomorrow.",
    "It was nineteen eighty four when the second of May came.",
    "Two thousand and six hundred euros and ten percent of it.",
    "Nine hundred ninety nine thousand nine hundred and ninety nine people.",
    "It is about half past six or a quarter to nine.",
    "Minus five degrees or three quarters of a mile.",
    "A hundred times, and one of them.",
    "Nothing of this is a number, I was at home.",
]


@pytest.mark.parametrize("numbers", ["words", "numerals", "smart"])
@pytest.mark.parametrize("sentence", SENTENCES)
def test_what_was_settled_stays(sentence: str, numbers: str) -> None:
    formatter = EventFormatter(TextFormat(numbers))  # type: ignore[arg-type]  # one of the three
    words, told = sentence.split(), ""
    for count in range(1, len(words) + 1):
        interim = Interim(text=" ".join(words[:count]), start=0.0, end=1.0, language="en-US")
        [written] = formatter.formatted([interim])
        assert isinstance(written, Interim)
        assert written.text.startswith(told)
        told = settled(written.text)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("", ""),
        ("one", ""),
        ("the cat sat", "the cat"),
        ("it costs $5 and", "it costs"),
        ("it costs $5.50 today or", "it costs $5.50 today"),
        ("twenty-three apples", ""),
        ("I was at home today", "I was at home"),
    ],
)
def test_settled(text: str, kept: str) -> None:
    assert settled(text) == kept

from __future__ import annotations

import pytest

from auricle_server.text.formatting import Formatter

_SMART, _NUMERALS = Formatter("smart"), Formatter("numerals")


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("twenty three", "23"),
        ("ten", "10"),
        ("three point one four", "3.14"),
        ("version two point oh", "version 2.0"),
        ("zero point twenty five", "0.25"),
        ("two million", "2 million"),
        ("Two Million", "2 Million"),
        ("one point five billion", "1.5 billion"),
        ("a hundred and fifty", "150"),
        ("minus forty", "-40"),
        ("negative two million", "-2 million"),
        ("one hundred", "100"),
        ("nineteen hundred", "1900"),
        ("in nineteen eighty four", "in 1984"),
        ("nineteen oh five", "1905"),
        ("room five oh five", "room 505"),
        ("room two fifteen", "room 215"),
        ("four two seven one", "4271"),
        ("double oh seven", "007"),
        ("nine one one", "911"),
        ("triple five", "555"),
        ("ten twenty thirty", "10 20 30"),
        ("ten, twenty, thirty", "10, 20, 30"),
        ("one, two, three.", "one, two, three."),
        ("forty two forty three fifty one ninety", "42435190"),
        ("eight hundred five five five one two one two", "800-555-1212"),
        ("twenty four seven", "24/7"),
        ("five ten minutes", "5 10 minutes"),
        ("fifty ten-foot planks", "50 10-foot planks"),
        ("plus four four two zero seven nine four six oh nine five eight", "+442079460958"),
        ("one eight hundred five five five one two one two", "1-800-555-1212"),
    ],
)
def test_numbers(said: str, written: str) -> None:
    assert _SMART.text(said) == written


@pytest.mark.parametrize(
    ("said", "smart", "numerals"),
    [
        ("two or three", "two or three", "2 or 3"),
        ("gate five", "gate 5", "gate 5"),
        ("twelve thousand people", "12,000 people", "12000 people"),
        ("two million five hundred thousand", "2,500,000", "2500000"),
        ("my number is five five five, one two three, four five six seven.", "my number is 555-123-4567.", None),
        ("five five five one two three four five six seven", "555-123-4567", "5551234567"),
        ("zero", "zero", "0"),
        ("five minus two", "five minus two", "5 minus 2"),
        ("two thirds", "two thirds", "two thirds"),
        ("nil", "nil", "nil"),
    ],
)
def test_where_smart_differs(said: str, smart: str, numerals: str | None) -> None:
    assert _SMART.text(said) == smart
    assert numerals is None or _NUMERALS.text(said) == numerals


@pytest.mark.parametrize("formatter", [_SMART, _NUMERALS])
@pytest.mark.parametrize(
    "text",
    [
        "one of them is the one",
        "no one knows",
        "a hundred times",
        "a thousand thanks",
        "hundreds of thousands",
        "oh no",
        "point taken",
        "the second one",
        "plus one",
        "minus the tax",
        "double trouble",
    ],
)
def test_words_that_are_no_numbers_stay(formatter: Formatter, text: str) -> None:
    assert formatter.text(text) == text


@pytest.mark.parametrize("formatter", [_SMART, _NUMERALS])
@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("the twenty first century", "the 21st century"),
        ("the twelfth man", "the 12th man"),
        ("the eleventh hour", "the 11th hour"),
        ("the twenty second floor", "the 22nd floor"),
        ("the hundred and third", "the 103rd"),
        ("the two hundredth", "the 200th"),
        ("a twenty second delay", "a 20 second delay"),
        ("the first and the ninth", "the first and the ninth"),
        ("the hundredth time", "the hundredth time"),
        ("one hundredth part", "one hundredth part"),
    ],
)
def test_ordinals(formatter: Formatter, said: str, written: str) -> None:
    assert formatter.text(said) == written

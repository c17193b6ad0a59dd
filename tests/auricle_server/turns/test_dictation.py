"""What was dictated, as one would write it down."""

from __future__ import annotations

import pytest

from auricle.protocol.settings import Expect
from auricle_server.turns.dictation import collected, leads_on


@pytest.mark.parametrize(
    ("text", "characters"),
    [
        ("zero four, one five", "0415"),
        ("Zero four one five.", "0415"),
        ("My number is zero four, one five, thank you.", "0415"),
        ("0415", "0415"),
        ("04 15, double 4", "041544"),
        ("(555) 123-4567", "5551234567"),
        ("My PIN is 1,234.", "1234"),
        ("my number is zero four, double one five", "04115"),
        ("eight hundred, five five five, twenty oh one", "8005552001"),
        ("plus four four, three point five", "+443.5"),
        ("double oh seven", "007"),
        ("triple nine", "999"),
        ("four niner", "49"),
        ("oh four", "04"),
        ("forty-two", "42"),
        ("nineteen eighty four", "1984"),
        ("twenty twenty-six", "2026"),
        ("two hundred and five", "205"),
        ("one eight hundred five five five", "1800555"),
        ("plus four four, twenty", "+4420"),
        ("three point five", "3.5"),
        ("192.168", "192.168"),
        ("four one dash two two", "41-22"),
        ("star one hash", "*1#"),
        ("five um six and seven", "567"),
        ("It's five.", "5"),
        ("one", "1"),
        ("that one", ""),
        ("I don't know.", ""),
        ("oh, I see", ""),
        ("٣٤", "34"),
        ("", ""),
    ],
)
def test_digits(text: str, characters: str) -> None:
    assert collected(text, "digits") == characters


@pytest.mark.parametrize(
    ("text", "characters"),
    [
        ("double u, A as in alpha", "WA"),
        ("Double-U, zed.", "WZ"),
        ("double you", "W"),
        ("A B C.", "ABC"),
        ("a b c", "ABC"),
        ("J-O-H-N", "JOHN"),
        ("John, J O H N.", "JOHN"),
        ("A.B.C.", "ABC"),
        ("bee oh bee", "BOB"),
        ("ess em eye tee aitch", "SMITH"),
        ("Alpha, bravo, charlie", "ABC"),
        ("alpha bravo 7", "AB7"),
        ("B as in Bravo, D for David, P like Peter", "BDP"),
        ("B for Bravo, X K seven nine", "BXK79"),
        ("B as in delta", "D"),
        ("C wie Cäsar", "C"),
        ("XK79", "XK79"),
        ("X K seven nine", "XK79"),
        ("double L", "LL"),
        ("J O dash A N", "JO-AN"),
        ("j o e at x y period d e", "JOE@XY.DE"),
        ("meet me at B", "B"),
        ("it's a B", "B"),
        ("a as in apple", "A"),
        ("I think it's A", "A"),
        ("Ö B", "ÖB"),
        ("my name is Mike", ""),
        ("you see", ""),
        ("", ""),
    ],
)
def test_letters(text: str, characters: str) -> None:
    assert collected(text, "letters") == characters


@pytest.mark.parametrize("text", ["zero four", "A B C", ""])
def test_nothing_is_collected_where_nothing_is_expected(text: str) -> None:
    assert collected(text, "none") == ""


@pytest.mark.parametrize(
    ("text", "expect", "more"),
    [
        ("four", "digits", True),
        ("five.", "digits", True),
        ("0415", "digits", True),
        ("oh", "digits", True),
        ("double", "digits", True),
        ("hundred", "digits", True),
        ("thanks", "digits", False),
        ("B", "digits", False),
        ("", "digits", False),
        ("B", "letters", True),
        ("four", "letters", True),
        ("zed", "letters", True),
        ("in", "letters", True),
        ("alpha", "letters", True),
        ("N as in Nancy", "letters", True),
        ("my name is N as in Nancy,", "letters", True),
        ("Nancy", "letters", False),
        ("thank you", "letters", False),
        ("zero four, thanks", "digits", False),
        ("long before, " * 20 + "zero four", "digits", True),
        ("thanks", "letters", False),
        ("four", "none", False),
    ],
)
def test_more_of_a_dictation_may_follow_a_character(text: str, expect: Expect, more: bool) -> None:
    assert leads_on(text, expect) is more

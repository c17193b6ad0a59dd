from __future__ import annotations

import pytest

from auricle_server.text.formatting import Formatter


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("march fifth", "March 5"),
        ("march the fifth", "March 5"),
        ("march fifth twenty twenty six", "March 5, 2026"),
        ("On March fifth, twenty twenty six.", "On March 5, 2026."),
        ("june twenty third nineteen ninety nine", "June 23, 1999"),
        ("june five two thousand and five", "June 5, 2005"),
        ("june twenty nineteen", "June 2019"),
        ("may twenty twenty six", "May 2026"),
        ("november nineteen oh five", "November 1905"),
        ("the fifth of march", "the 5th of March"),
        ("the twenty first of june nineteen ninety nine", "the 21st of June 1999"),
        ("the fifth of five", "the fifth of five"),
        ("the nineteen eighties", "the 1980s"),
        ("we may five times", "we may five times"),
        ("In May five people came", "In May 5 people came"),
        ("they march ten miles", "they march 10 miles"),
        ("june forty", "june 40"),
    ],
)
def test_dates(said: str, written: str) -> None:
    assert Formatter("smart").text(said) == written

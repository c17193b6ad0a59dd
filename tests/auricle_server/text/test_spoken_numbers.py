from __future__ import annotations

import pytest

from auricle_server.text.spoken_numbers import read_number


@pytest.mark.parametrize(
    ("text", "number", "words"),
    [
        ("four", "4", 1),
        ("zero", "0", 1),
        ("nought", "0", 1),
        ("fourteen", "14", 1),
        ("forty", "40", 1),
        ("forty two", "42", 2),
        ("forty zero", "40", 1),
        ("four two", "4", 1),
        ("hundred", "100", 1),
        ("two hundred and five", "205", 4),
        ("two hundred five", "205", 3),
        ("eight hundred five five", "800", 2),
        ("eight hundred fifty two", "852", 4),
        ("nineteen hundred", "1900", 2),
        ("twenty five hundred", "2500", 3),
        ("two thousand twenty six", "2026", 4),
        ("two thousand and one", "2001", 4),
        ("five thousand two hundred and one", "5201", 6),
        ("two hundred fifty thousand", "250000", 4),
    ],
)
def test_a_number_is_written_as_one_would_write_it(text: str, number: str, words: int) -> None:
    assert read_number(text.split(), 0) == (number, words)


@pytest.mark.parametrize("text", ["", "and", "oh", "42", "number"])
def test_other_words_begin_no_number(text: str) -> None:
    assert read_number(text.split(), 0) is None

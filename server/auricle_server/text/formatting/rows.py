"""Digits and numbers that follow one another: codes, years, telephone numbers."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from auricle_server.text.formatting.quantities import digit_of, word_at
from auricle_server.text.formatting.spoken_text import SpokenText
from auricle_server.text.spoken_numbers import REPEATS, SCALES, ZEROS, read_large_number

_FIRST_CENTURY: Final = 13
"""From here on, a number and another one of two digits are a year ("nineteen eighty four")."""
_TELEPHONE: Final = 10
"""Digits of a telephone number in North America."""
LEAST_TELEPHONE: Final = 7
LONGEST_TELEPHONE: Final = 15
"""Digits of a telephone number (ITU-T E.164 allows 15)."""


class RowItem(NamedTuple):
    """One of the numbers in a row.

    Attributes:
        digits: As it is written.
        taken: How many tokens it takes.
        joins: Whether nobody says it but as a digit among others ("oh", "double five").
    """

    digits: str
    taken: int
    joins: bool = False


def read_row(run: Sequence[str]) -> list[RowItem]:
    """The numbers that follow one another from the beginning of a run on."""
    row: list[RowItem] = []
    at = 0
    while (item := _item(run, at)) is not None:
        row.append(item)
        at += item.taken
    # "Oh" is an interjection, too: "oh, five people".
    return [] if len(row) < 3 and word_at(run, 0) in {"oh", "o"} else row


def _item(run: Sequence[str], at: int) -> RowItem | None:
    word = word_at(run, at)
    repeated = digit_of(word_at(run, at + 1)) if word in REPEATS else None
    if repeated is not None:
        return RowItem(repeated * REPEATS[word], 2, joins=True)
    if word in {"oh", "o"}:
        return RowItem("0", 1, joins=True)
    if word in ZEROS:
        return RowItem("0", 1)
    if word.isascii() and word.isdecimal():
        return RowItem(word, 1)
    if word in SCALES or (number := read_large_number(run, at)) is None:
        return None
    return RowItem(str(number[0]), number[1])


def joined_row(row: Sequence[RowItem]) -> str:
    """The digits of a row that is read out as one number, such as a code or a year; empty where it is not."""
    lengths = [1 if item.joins else len(item.digits) for item in row]
    digits = "".join(item.digits for item in row)
    singles = lengths.count(1)
    if len(row) < 2:
        return digits if row and row[0].joins else ""
    if max(lengths) > 2:  # "eight hundred five five five one two one two", perhaps after "one"
        rest = lengths[1:] if row[0].digits == "1" else lengths
        return digits if rest[0] == 3 and len(rest) > 3 and max(rest[1:]) == 1 else ""
    if any(item.joins for item in row) or singles > 2 or (singles and len(row) > 2):
        return digits
    if len(row) == 2:
        return digits if lengths[1] == 2 else ""
    return digits if not singles and len(row) > 3 and not _counts(row) else ""


def _counts(row: Sequence[RowItem]) -> bool:
    """Whether somebody counts: ten, twenty, thirty."""
    values = [int(item.digits) for item in row]
    steps = {after - before for before, after in pairwise(values)}
    return len(steps) == 1 and steps != {0}


def telephone(digits: str) -> str:
    """A telephone number as it is written where its form is known; other digits as they are."""
    if len(digits) == _TELEPHONE and digits[0] not in "01":
        return f"{digits[:3]}-{digits[3:6]}-{digits[6:]}"
    if len(digits) == _TELEPHONE + 1 and digits[0] == "1":
        return f"1-{telephone(digits[1:])}"
    return digits


def read_with_pauses(spoken: SpokenText, at: int) -> tuple[str, int]:
    """The digits of a number that is read out with commas between its groups, and how many tokens it takes."""
    digits, taken = "", 0
    while True:
        run = spoken.run(at) if not taken else spoken.after_comma(at + taken)
        row = read_row(run)
        one = joined_row(row)
        if not one:
            return digits, taken
        digits += one
        taken += sum(item.taken for item in row)
        if len(run) != sum(item.taken for item in row) or len(digits) > LONGEST_TELEPHONE:
            return digits, taken


def read_year(run: Sequence[str]) -> tuple[str, int] | None:
    """The year with which a run begins, and how many tokens it takes; None without one."""
    row = read_row(run)
    if not row:
        return None
    if len(row[0].digits) == 4 and row[0].digits[0] in "12":
        return row[0].digits, row[0].taken
    if len(row) > 1 and row[0].digits in {str(each) for each in range(_FIRST_CENTURY, 21)}:
        if len(row[1].digits) == 2 and not row[1].joins:
            return row[0].digits + row[1].digits, row[0].taken + row[1].taken
        if row[1].joins and len(row) > 2 and len(row[2].digits) == 1:
            return f"{row[0].digits}0{row[2].digits}", sum(item.taken for item in row[:3])
    return None

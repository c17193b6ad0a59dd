"""Numbers that are neither money nor a time or date; ordinals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from auricle_server.text.formatting.quantities import LEAST_IN_DIGITS, Quantity, read_quantity, word_at
from auricle_server.text.formatting.rows import (
    LEAST_TELEPHONE,
    LONGEST_TELEPHONE,
    joined_row,
    read_row,
    read_with_pauses,
    telephone,
)
from auricle_server.text.formatting.spoken_text import SpokenText, Written
from auricle_server.text.spoken_numbers import NUMBER_WORDS, ORDINALS, REPEATS, SCALES, read_ordinal

NUMBER_STARTS: Final = NUMBER_WORDS - SCALES.keys() | REPEATS.keys() | {"a", "oh", "o", "minus", "negative", "plus"}
"""Words with which a number may begin."""
_LABELS: Final = frozenset(
    "number room gate flight version chapter page step line option unit suite apartment extension platform track "
    "channel level floor zone bus route code pin table figure highway interstate".split()
)
"""After these, even a small number is written in digits."""
_FRACTIONS: Final = frozenset(
    "half halves third thirds quarter quarters fourths fifths sixths sevenths eighths".split()
)
_ARTICLES: Final = frozenset("a an every each per".split())
_DURATIONS: Final = frozenset("seconds minutes hours days weeks months years times people percent dollars".split())


class Numbers:
    """Writes all numbers that no other rule writes.

    Args:
        smart: Whether small numbers stay words, large ones have commas and telephone numbers dashes.
    """

    def __init__(self, *, smart: bool) -> None:
        self._smart = smart

    def __call__(self, spoken: SpokenText, at: int) -> Sequence[Written]:
        """As `Rule`."""
        word = spoken.lower(at)
        if word not in NUMBER_STARTS and not word[:1].isdecimal():
            return ()
        if word == "plus":
            return self._international(spoken, at)
        if word in {"minus", "negative"}:
            return self._negative(spoken, at)
        return self._row(spoken, at) or self._quantity(spoken, at)

    def _international(self, spoken: SpokenText, at: int) -> Sequence[Written]:
        digits, taken = read_with_pauses(spoken, at + 1) if spoken.run(at)[1:] else ("", 0)
        if not LEAST_TELEPHONE < len(digits) <= LONGEST_TELEPHONE:
            return ()
        return (Written(f"+{telephone(digits) if self._smart else digits}", taken + 1),)

    def _negative(self, spoken: SpokenText, at: int) -> Sequence[Written]:
        before, quantity = spoken.before(at), read_quantity(spoken.run(at)[1:])
        if quantity is None or before in NUMBER_WORDS or before[-1:].isdecimal():
            return ()
        number = Written(f"-{self._written(quantity)}", quantity.tokens + 1)
        return (number, Written(quantity.scale, 1)) if quantity.scale else (number,)

    def _row(self, spoken: SpokenText, at: int) -> Sequence[Written]:
        run = spoken.run(at)
        row = read_row(run)
        if len(row) < 2 and not any(item.joins for item in row):
            return ()
        digits, taken = read_with_pauses(spoken, at)
        length = sum(item.taken for item in row)
        if taken > length and not LEAST_TELEPHONE <= len(digits) <= LONGEST_TELEPHONE + 1:
            digits, taken = joined_row(row), length  # counting, or a list
        if [item.digits for item in row] in (["24", "7"], ["50", "50"]):
            digits, taken = "/".join(item.digits for item in row), length
        # "Five ten minutes" and "fifty ten-foot planks" are two numbers each.
        following = spoken.tokens[at + length : at + length + 1]
        counted = word_at(run, length) in _DURATIONS or any(token.inner for token in following)
        if digits and not (len(row) == 2 and counted):
            return (Written(telephone(digits) if self._smart else digits, taken),)
        small = self._smart and all(len(item.digits) == 1 for item in row)
        return _as_said(spoken, at, length) if small else [Written(item.digits, item.taken) for item in row]

    def _quantity(self, spoken: SpokenText, at: int) -> Sequence[Written]:
        run = spoken.run(at)
        quantity = read_quantity(run)
        if quantity is None or self._stays(spoken, at, run, quantity):
            return ()
        number = Written(self._written(quantity), quantity.tokens)
        return (number, Written(spoken.tokens[at + quantity.tokens].text, 1)) if quantity.scale else (number,)

    def _written(self, quantity: Quantity) -> str:
        return quantity.grouped() if self._smart else quantity.number

    def _stays(self, spoken: SpokenText, at: int, run: Sequence[str], quantity: Quantity) -> bool:
        if run[0] == "a" and quantity.taken == 2:
            return True  # "a hundred times"
        if not quantity.is_small or spoken.before(at) in _LABELS or run[0].isdecimal():
            return False
        after = word_at(run, quantity.taken)
        # "One" is a pronoun more often than a number.
        return self._smart or run[0] in {"one", "nil"} or after in _FRACTIONS or "-" in after


def _as_said(spoken: SpokenText, at: int, taken: int) -> Sequence[Written]:
    return [Written(token.text, 1) for token in spoken.tokens[at : at + taken]]


def ordinals(spoken: SpokenText, at: int) -> Sequence[Written]:
    """A `Rule`: from "tenth" on, ordinals are written in digits."""
    if spoken.lower(at) not in NUMBER_WORDS and spoken.lower(at) not in ORDINALS:
        return ()
    run = spoken.run(at)
    read = read_ordinal(run, 0)
    if read is None or read[0] < LEAST_IN_DIGITS:
        return ()
    value, taken = read
    if run[taken - 1] == "second" and spoken.before(at) in _ARTICLES:
        return ()  # "a twenty second delay"
    if taken <= 2 and run[taken - 1] in {"hundredth", "thousandth"} and run[0] in {run[taken - 1], "one"}:
        return ()  # a part of something
    return (Written(ordinal(value), taken),)


def ordinal(value: int) -> str:
    """A place in digits: 1st, 2nd, 11th."""
    unit = 0 if value % 100 in range(11, 14) else value % 10
    return f"{value}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(unit, 'th') }"

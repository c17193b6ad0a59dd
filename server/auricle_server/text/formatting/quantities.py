"""Whole and decimal numbers, as they are read out and as they are written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from auricle_server.text.spoken_numbers import LARGE_SCALES, SCALES, TEENS, UNITS, ZEROS, read_large_number

SCALE_WORDS: Final = frozenset({*LARGE_SCALES, "thousand"})
_LEAST_WITH_COMMAS: Final = 10_000
LEAST_IN_DIGITS: Final = 10
"""Smaller numbers are words in running text."""


class Quantity(NamedTuple):
    """A number that is read as one.

    Attributes:
        number: Its digits, perhaps with a decimal point.
        scale: A word such as "million" that stays one; empty without.
        tokens: How many tokens the number takes, without that word.
        taken: How many both take.
    """

    number: str
    scale: str
    tokens: int
    taken: int

    @property
    def is_small(self) -> bool:
        """Whether people write it as a word."""
        return self.number.isdecimal() and int(self.number) < LEAST_IN_DIGITS and not self.scale

    def grouped(self, least: int = _LEAST_WITH_COMMAS) -> str:
        """The number with commas between thousands, from `least` on."""
        whole, point, decimals = self.number.partition(".")
        return (f"{int(whole):,}" if int(whole) >= least else whole) + point + decimals


def read_quantity(run: Sequence[str]) -> Quantity | None:
    """The number with which a run begins; None where it begins with none."""
    whole = read_whole(run)
    if whole is None:
        return None
    value, taken = whole
    decimals, more = _decimals(run, taken)
    if decimals:
        scale = word_at(run, taken + more) if word_at(run, taken + more) in SCALE_WORDS else ""
        return Quantity(f"{value}.{decimals}", scale, taken + more, taken + more + bool(scale))
    last = run[taken - 1]
    scale_value = LARGE_SCALES.get(last, 0)
    if scale_value and value % scale_value == 0 and value < 1_000 * scale_value:
        return Quantity(str(value // scale_value), last, taken - 1, taken)
    if run[0].isdecimal() and word_at(run, taken) in SCALE_WORDS:
        return Quantity(str(value), run[taken], taken, taken + 1)
    return Quantity(str(value), "", taken, taken)


def read_whole(run: Sequence[str]) -> tuple[int, int] | None:
    """The value of the whole number with which a run begins, and how many tokens it takes; None without one."""
    first = word_at(run, 0)
    if first.isascii() and first.isdecimal() and len(first) < 16:
        return int(first), 1
    if first == "a" and word_at(run, 1) in SCALES | LARGE_SCALES:
        return read_large_number(["one", *run[1:]], 0)
    return None if first in SCALES else read_large_number(run, 0)


def _decimals(run: Sequence[str], at: int) -> tuple[str, int]:
    """What follows a decimal point at `at`, and how many tokens it takes with the point."""
    if word_at(run, at) != "point":
        return "", 0
    digits, taken = "", at + 1
    while (digit := digit_of(word_at(run, taken))) is not None:
        digits, taken = digits + digit, taken + 1
    if not digits and (number := read_large_number(run, taken)) is not None and number[0] < 100:
        digits, taken = str(number[0]), taken + number[1]
    return digits, taken - at if digits else 0


def digit_of(word: str) -> str | None:
    """The digit that one word says; None for any other word."""
    if word in UNITS:
        return str(UNITS[word])
    if word in ZEROS or word in {"oh", "o"}:
        return "0"
    return word if len(word) == 1 and word.isascii() and word.isdecimal() else None


def word_at(run: Sequence[str], at: int) -> str:
    """One word of a run; empty after its end."""
    return run[at] if at < len(run) else ""


def read_small(run: Sequence[str], least: int, most: int) -> tuple[int, int] | None:
    """A number from `least` to `most` with which a run begins, and how many tokens it takes."""
    quantity = read_whole(run) if word_at(run, 0) != "a" else None
    return quantity if quantity is not None and least <= quantity[0] <= most else None


def single_word(word: str) -> int | None:
    """The value of a number of one word below twenty; None for any other word."""
    if word.isascii() and word.isdecimal() and len(word) < 3:
        return int(word)
    return UNITS.get(word, TEENS.get(word))

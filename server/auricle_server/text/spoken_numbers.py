"""Numbers as people read them out in English: "four fifteen", "double oh seven", "eight hundred". Pure."""

from __future__ import annotations

from collections.abc import Sequence

UNITS = {word: value for value, word in enumerate("zero one two three four five six seven eight nine".split())} | {
    "niner": 9  # as on the radio
}
ZEROS = frozenset({"zero", "nought", "naught", "nil"})
TEENS = {
    word: value
    for value, word in enumerate(
        "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split(), 10
    )
}
TENS = {
    word: 10 * value for value, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)
} | {"fourty": 40}
SCALES = {"hundred": 100, "thousand": 1_000}
LARGE_SCALES = {"trillion": 10**12, "billion": 10**9, "million": 10**6}
"""Descending, as they are read out."""
ORDINALS = (
    {f"{word}th": word for word in "four six seven ten eleven thirteen fourteen fifteen sixteen seventeen".split()}
    | {f"{word}th": word for word in "eighteen nineteen hundred thousand".split()}
    | {f"{word[:-1]}ieth": word for word in TENS}
    | {"first": "one", "second": "two", "third": "three", "fifth": "five", "eighth": "eight", "ninth": "nine"}
    | {"twelfth": "twelve"}
)
"""Ordinal words, and the numbers that they count."""
REPEATS = {"double": 2, "triple": 3, "treble": 3}

NUMBER_WORDS = frozenset({*UNITS, *ZEROS, *TEENS, *TENS, *SCALES})


def read_number(words: Sequence[str], at: int) -> tuple[str, int] | None:
    """The number that the words spell from `at` on, as one would write it.

    Args:
        words: Lower-case words and numerals.
        at: Index of the first that may belong to it.

    Returns:
        Its digits, and how many words it takes; None when none begins there.
    """
    if _word(words, at) in ZEROS:
        return "0", 1
    small = _below_hundred(words, at)
    value, taken = small or (1, 0)
    scaled = False
    for name, scale in SCALES.items():
        if _word(words, at + taken) == name:
            value, taken, scaled = value * scale, taken + 1, True
            value, taken = _with_rest(words, at, value, taken, scale)
    if small is None and not scaled:
        return None
    return str(value), taken


def read_large_number(words: Sequence[str], at: int) -> tuple[int, int] | None:
    """As `read_number`, with millions and more: the value, and how many words it takes."""
    total = taken = 0
    for name, scale in LARGE_SCALES.items():
        joined = bool(taken) and _word(words, at + taken) == "and"
        part = read_number(words, at + taken + joined)
        if part is not None and _word(words, at + taken + joined + part[1]) == name:
            total, taken = total + int(part[0]) * scale, taken + joined + part[1] + 1
    joined = bool(taken) and _word(words, at + taken) == "and"
    rest = read_number(words, at + taken + joined)
    if rest is None or (taken and rest[0] == "0"):
        return (total, taken) if taken else None
    return total + int(rest[0]), taken + joined + rest[1]


def read_ordinal(words: Sequence[str], at: int) -> tuple[int, int] | None:
    """The place that the words count to from `at` on ("twenty first" is 21), and how many words it takes."""
    for past in range(at, min(len(words), at + 10)):
        cardinal = ORDINALS.get(words[past])
        if cardinal is not None:
            read = read_number([*words[at:past], cardinal], 0)
            return (int(read[0]), read[1]) if read is not None and read[1] == past + 1 - at else None
        if words[past] not in NUMBER_WORDS and words[past] != "and":
            return None
    return None


def _with_rest(words: Sequence[str], at: int, value: int, taken: int, scale: int) -> tuple[int, int]:
    """Adds what follows "hundred" or "thousand", but no digits in a row: "eight hundred, five five five"."""
    joined = _word(words, at + taken) == "and"
    rest = _below_hundred(words, at + taken + joined)
    if rest is None:
        return value, taken
    more, length = rest
    after = at + taken + joined + length
    hundreds = scale == SCALES["thousand"] and _word(words, after) == "hundred"
    if hundreds:
        return _with_rest(words, at, value + more * 100, taken + joined + length + 1, 100)
    one_of_a_row = more < 10 and not joined and _is_number(_word(words, after))
    return (value, taken) if one_of_a_row else (value + more, taken + joined + length)


def _below_hundred(words: Sequence[str], at: int) -> tuple[int, int] | None:
    """A number from 1 to 99 that the words spell from `at` on, and how many words it takes."""
    word = _word(words, at)
    if word in TENS:
        unit = UNITS.get(_word(words, at + 1), 0)
        return (TENS[word] + unit, 2) if unit else (TENS[word], 1)
    if word in TEENS:
        return TEENS[word], 1
    return (UNITS[word], 1) if UNITS.get(word) else None


def _is_number(word: str) -> bool:
    return word in NUMBER_WORDS or word == "oh" or word.isdecimal()


def _word(words: Sequence[str], at: int) -> str:
    return words[at] if at < len(words) else ""

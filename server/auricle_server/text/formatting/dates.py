"""Dates and years."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from auricle_server.text.formatting.numbers import ordinal
from auricle_server.text.formatting.quantities import read_small, word_at
from auricle_server.text.formatting.rows import read_year
from auricle_server.text.formatting.spoken_text import SpokenText, Written
from auricle_server.text.spoken_numbers import NUMBER_WORDS, ORDINALS, TENS, read_ordinal

_MONTHS: Final = frozenset(
    "january february march april may june july august september october november december".split()
)
_ALSO_VERBS: Final = frozenset({"march", "may"})
_LAST_DAY: Final = 31
_DECADES: Final = {f"{word[:-1]}ies": f"{tens}s" for word, tens in TENS.items()}
_CENTURIES: Final = {"eighteen": "18", "nineteen": "19", "twenty": "20"}


def dates(spoken: SpokenText, at: int) -> Sequence[Written]:
    """A `Rule`: "march fifth twenty twenty six" is "March 5, 2026", "the fifth of march" is "the 5th of March"."""
    word = spoken.lower(at)
    if word in _MONTHS:
        return _month_first(spoken, at)
    if word in _CENTURIES and word_at(spoken.run(at), 1) in _DECADES:
        return (Written(_CENTURIES[word] + _DECADES[spoken.lower(at + 1)], 2),)
    if word in NUMBER_WORDS or word in ORDINALS:
        return _day_first(spoken, at)
    return ()


def _month_first(spoken: SpokenText, at: int) -> Sequence[Written]:
    month = Written(spoken.tokens[at].text.capitalize(), 1)
    rest = spoken.run(at)[1:]
    year = read_year(rest)
    if year is not None:
        return month, Written(*year)
    the = word_at(rest, 0) == "the"
    day = _ordinal_day(rest[the:]) or (None if the else read_small(rest, 1, _LAST_DAY))
    if day is None:
        return ()
    number, taken = str(day[0]), day[1] + the
    year = read_year(spoken.after_comma(at + 1 + taken))
    if year is not None:
        return month, Written(number, taken, mark=","), Written(*year)
    sure = _ordinal_day(rest[the:]) is not None or spoken.lower(at) not in _ALSO_VERBS
    named = spoken.tokens[at].text[:1].isupper() and at > 0
    return (month, Written(number, taken)) if sure or named else ()


def _day_first(spoken: SpokenText, at: int) -> Sequence[Written]:
    run = spoken.run(at)
    day = _ordinal_day(run)
    if day is None or word_at(run, day[1]) != "of" or word_at(run, day[1] + 1) not in _MONTHS:
        return ()
    place = at + day[1]
    month = spoken.tokens[place + 1].text.capitalize()
    pieces = [Written(ordinal(day[0]), day[1]), Written(spoken.tokens[place].text, 1), Written(month, 1)]
    year = read_year(spoken.after_comma(place + 2))
    return pieces if year is None else [*pieces, Written(*year)]


def _ordinal_day(run: Sequence[str]) -> tuple[int, int] | None:
    read = read_ordinal(run, 0)
    return read if read is not None and 1 <= read[0] <= _LAST_DAY else None

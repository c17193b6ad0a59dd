"""Times of day."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from auricle_server.text.formatting.quantities import read_small, single_word, word_at
from auricle_server.text.formatting.spoken_text import SpokenText, Written
from auricle_server.text.spoken_numbers import NUMBER_WORDS

_BEFORE_TIMES: Final = frozenset("at by until till before after from".split())
"""After these words, an hour and minutes are a time and no other number."""
_HALVES: Final = {"half": 30, "quarter": 15}
_HALF_DAYS: Final = {"am": "AM", "a.m": "AM", "pm": "PM", "p.m": "PM"}
_LAST_HOUR, _LAST_HOUR_OF_DAY, _LAST_MINUTE = 12, 23, 59
_USUAL_MINUTES: Final = 30


def times(spoken: SpokenText, at: int) -> Sequence[Written]:
    """A `Rule`: "three thirty p m" is "3:30 PM", "half past three" is "3:30"."""
    word = spoken.lower(at)
    if word not in NUMBER_WORDS and word not in _HALVES and word != "a" and not word[:1].isdecimal():
        return ()
    run, article = spoken.run(at), word == "a"
    if word_at(run, article) in _HALVES:
        return _relative(spoken, at, article=article)
    hour = single_word(word_at(run, 0))
    if hour is not None and 1 <= hour <= _LAST_HOUR:
        return _twelve_hours(spoken, at, hour)
    return _day_hours(spoken, at) if spoken.before(at) == "at" else ()


def _relative(spoken: SpokenText, at: int, *, article: bool) -> Sequence[Written]:
    run, taken = spoken.run(at + article), 3 + article
    minutes, hour = _HALVES[run[0]], single_word(word_at(run, 2))
    if hour is None or not 1 <= hour <= _LAST_HOUR:
        return ()
    if run[1] == "past":
        written = f"{hour}:{minutes}"
    elif run[1] == "to" and run[0] == "quarter":
        written = f"{(hour - 2) % _LAST_HOUR + 1}:45"
    else:
        return ()
    return Written(written, taken), *_half_day(spoken, at + taken, run[3:])


def _twelve_hours(spoken: SpokenText, at: int, hour: int) -> Sequence[Written]:
    run = spoken.run(at)
    minutes, taken = _minutes(run)
    half_day = _half_day(spoken, at + taken, run[taken:])
    written = f"{hour}:{minutes:02d}" if taken > 1 else str(hour)
    if half_day:
        return Written(written, taken), *half_day
    if word_at(run, taken) == "o'clock" or word_at(run, taken) == "o’clock":
        return Written(written, taken), Written(spoken.tokens[at + taken].text, 1)
    names_time = spoken.before(at) in _BEFORE_TIMES or " ".join(run[taken : taken + 2]) == "in the"
    followed = single_word(word_at(run, taken)) is not None or word_at(run, taken) in {"hundred", "thousand", "dollars"}
    if taken > 1 and not followed and (names_time or minutes == _USUAL_MINUTES):
        return (Written(written, taken),)
    return ()


def _minutes(run: Sequence[str]) -> tuple[int, int]:
    """The minutes after an hour, and how many tokens both take; one for an hour alone."""
    if word_at(run, 1) in {"oh", "o"}:
        unit = single_word(word_at(run, 2))
        return (unit, 3) if unit is not None and 1 <= unit <= 9 else (0, 1)
    minutes = read_small(run[1:], 10, _LAST_MINUTE)
    return (minutes[0], 1 + minutes[1]) if minutes is not None else (0, 1)


def _half_day(spoken: SpokenText, at: int, rest: Sequence[str]) -> Sequence[Written]:
    first, second = word_at(rest, 0), word_at(rest, 1)
    if first in {"a", "p"} and second == "m":
        return (Written(f"{first.upper()}M", 2),)
    if first not in _HALF_DAYS or (first == "am" and second == "i"):
        return ()
    token = spoken.tokens[at]
    following = spoken.tokens[at + 1].text if at + 1 < len(spoken.tokens) else ""
    abbreviated = "." in first and token.after == "." and following and not following[:1].isupper()
    return (Written(_HALF_DAYS[first], 1, bare=bool(abbreviated)),)


def _day_hours(spoken: SpokenText, at: int) -> Sequence[Written]:
    run = spoken.run(at)
    hour = read_small(run, _LAST_HOUR + 1, _LAST_HOUR_OF_DAY)
    minutes = read_small(run[hour[1] :], 10, _LAST_MINUTE) if hour is not None else None
    if hour is None or minutes is None:
        return ()
    return (Written(f"{hour[0]}:{minutes[0]}", hour[1] + minutes[1]),)

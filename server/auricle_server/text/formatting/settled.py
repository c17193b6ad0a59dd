"""Which words of a text stay as they are written, whatever is said next.

For clients that cannot take text back: "twenty" becomes "23" with the next word, and "four two" part of "4271".
"""

from __future__ import annotations

import re

from auricle_server.text.spoken_numbers import LARGE_SCALES, NUMBER_WORDS, ORDINALS, REPEATS

_JOINERS = frozenset({"dot", "at"})
"""Make an address of the word before them."""
_OPEN = (
    NUMBER_WORDS
    | {*LARGE_SCALES, *ORDINALS, *REPEATS, *_JOINERS}
    | frozenset("a half quarter quarters point and oh o minus negative plus past to".split())
)
"""Words that may be the beginning, or the middle, of what is written in digits."""
_WORD = re.compile(r"[a-z]+")


def settled(text: str) -> str:
    """The words at the beginning of `text` that no further word changes; the last word never is one.

    Args:
        text: As it is written, with numbers or without.
    """
    words = text.split()
    count = max(0, len(words) - 1)
    while count and (_is_open(words[count - 1]) or _is_joiner(words[count])):
        count -= 1
    return " ".join(words[:count])


def _is_open(word: str) -> bool:
    return any(map(str.isdigit, word)) or any(part in _OPEN for part in _WORD.findall(word.lower()))


def _is_joiner(word: str) -> bool:
    return word.lower() in _JOINERS

"""Words without case and punctuation, as some wire formats send them unless a client asks for both."""

from __future__ import annotations

import unicodedata


def plain(text: str) -> str:
    """A text without case and punctuation; what is inside words stays."""
    return " ".join(filter(None, (_bare(word) for word in text.split()))).lower()


def _bare(word: str) -> str:
    first, last = 0, len(word)
    while first < last and _is_mark(word[first]) and not _is_negative(word[first:]):
        first += 1
    while last > first and _is_mark(word[last - 1]):
        last -= 1
    return word[first:last]


def _is_negative(word: str) -> bool:
    return word[0] == "-" and word[1:2].isdigit()


def _is_mark(character: str) -> bool:
    # Unicode's general category P; what stands for a word ("%", "&", "#", "@"), or for letters of it ("*"), stays.
    return unicodedata.category(character).startswith("P") and character not in "%&#@*"

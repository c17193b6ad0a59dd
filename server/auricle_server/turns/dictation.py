"""What somebody has dictated, as the characters that one would write down. Pure.

Number words, letter names and the words that explain letters ("A as in alpha") are English; numerals and single letters
are read in any language. Words that are not dictated ("my number is") are passed over. A word that may be a letter or
another word ("see", "you", "one") counts within a row of characters only. Corrections ("no, five") are not understood:
both characters are collected.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from auricle.protocol.settings import Expect
from auricle_server.text.spoken_numbers import NUMBER_WORDS, REPEATS, read_number
from auricle_server.turns.spelled_letters import CLEAR_NAMES, EXPLAINING, SPELLING_WORDS, UNCLEAR_NAMES

_SURE, _LIKELY, _UNCLEAR = 1.0, 0.5, 0.34
"""Weights of a character. A row of them counts from a weight of 1 on: one sure one, two likely or three unclear ones.
Where the whole text is one row, a likely one suffices."""
_SYMBOLS = {
    **dict.fromkeys(("dash", "hyphen", "minus"), "-"),
    **dict.fromkeys(("dot", "point", "period"), "."),
    "slash": "/",
    "underscore": "_",
    "at": "@",
}
"""Between two characters only."""
_SIGNS = {"plus": "+", "hash": "#", "star": "*"}
"""At the ends of a row, too, as on the keys of a telephone."""
_FILLERS = frozenset("and then um uh uhm er erm comma space capital uppercase".split())
"""Within a row, these say nothing."""
_LEADS_ON = frozenset("and then is it's number code plus double triple treble dash dot point hundred thousand".split())
"""A dictation goes on after these."""
_LEADS_ON_LETTERS = frozenset("as in for like capital lowercase".split())
_TAIL = 60
"""Characters of a text in which its last words lie, with a letter and the word that explains it."""
_EDGES = re.compile(r"^[^\w+*#]+|[^\w*#]+$")
_NUMERAL = re.compile(r"\+?\d[\d.,/()-]*")
_SPELLED_TOKEN = re.compile(r"[^\W_](?:[-.·’'][^\W_])+")
"""Letters that the decoder has joined: "J-O-H-N", "A.B"."""


@dataclass(frozen=True, slots=True)
class _Dictated:
    """What a word or several dictate.

    Attributes:
        characters: Empty for a filler.
        weight: How sure it is that they dictate.
        symbol: Whether it counts only between others.
    """

    characters: str
    weight: float = 0.0
    symbol: bool = False


_NOTHING = _Dictated("")
"""Of a word that is not dictated."""


def collected(text: str, expect: Expect) -> str:
    """The characters that a text dictates, without the blanks between them.

    Args:
        text: Of a segment or a turn.
        expect: ``"digits"``, or ``"letters"`` for letters and digits, which are then upper-case.

    Returns:
        For example "0415" for "zero four, one five"; empty when nothing is dictated, and for ``"none"``.
    """
    if expect == "none":
        return ""
    tokens = list(_tokens(text))
    items = list(_items(tokens, expect))
    rows = _rows(items)
    whole = all(item is not _NOTHING for item in items)
    return "".join(_written(row) for row in rows if _counts(row, whole=whole))


def leads_on(text: str, expect: Expect) -> bool:
    """Whether more of a dictation may follow this text, so that a pause after it is one between groups.

    Args:
        text: What was said so far; its last words count.
        expect: What is dictated.
    """
    tokens = list(_tokens(text[-_TAIL:])) if expect != "none" else []
    if not tokens:
        return False
    last = tokens[-1].lower()
    if last in _LEADS_ON or last in NUMBER_WORDS or (expect == "letters" and last in _LEADS_ON_LETTERS):
        return True
    *_, item = items = list(_items(tokens, expect))
    return item is not _NOTHING and sum(each.weight for each in _rows(items)[-1]) >= _LIKELY


def _tokens(text: str) -> Iterator[str]:
    """Words without the punctuation around them; numerals of every script as ASCII digits."""
    for word in text.split():
        bare = _EDGES.sub("", word)
        if not bare:
            continue
        plain = "".join(_ascii_digit(character) for character in bare)
        parts = plain.split("-")
        # "forty-two" and "double-u" are two words; "J-O-H-N" and "555-1234" are one token, read below.
        if any(len(part) > 1 and part.isalpha() for part in parts) and plain.lower() != "x-ray":
            yield from filter(None, parts)
        else:
            yield plain


def _ascii_digit(character: str) -> str:
    if character.isascii():
        return character
    digit = unicodedata.digit(character, None)
    return character if digit is None else str(digit)


def _items(tokens: Sequence[str], expect: Expect) -> Iterator[_Dictated]:
    lower = [token.lower() for token in tokens]
    shouted = len(tokens) > 1 and all(token == token.upper() for token in tokens)
    capitals = any(len(token) == 1 and token.isupper() for token in tokens)
    at = 0
    while at < len(tokens):
        repeat = REPEATS.get(lower[at], 1) if at + 1 < len(tokens) else 1
        first = at + (repeat > 1)
        if repeat == 2 and expect == "letters" and lower[first] in {"u", "you", "yu"}:
            item, taken, repeat = _Dictated("W", _SURE), 1, 1
        elif (number := read_number(lower, first)) is not None:
            digits, taken = number
            item = _Dictated(digits, _LIKELY if digits == "1" and taken == 1 else _SURE)
        elif expect == "digits":
            item, taken = _digit_item(lower[first]), 1
        else:
            item, taken = _letter_item(tokens[first], shouted=shouted, capitals=capitals, first=not first), 1
        if item is _NOTHING:
            yield _NOTHING
            at += 1
            continue
        at = first + taken
        if expect == "letters" and item.characters.isalpha():
            skipped, named = _explained(lower, at)
            at += skipped
            item = _Dictated(named or item.characters, max(item.weight, _SURE if skipped else 0.0))
        yield _Dictated(item.characters * repeat, item.weight, item.symbol)


def _digit_item(word: str) -> _Dictated:
    """What one word dictates where digits are expected."""
    if word in {"oh", "o"}:
        return _Dictated("0", _LIKELY)
    if _NUMERAL.fullmatch(word):
        return _Dictated(_numeral(word), _SURE)
    digits = "".join(character for character in word if character.isdecimal())
    return _Dictated(digits, _SURE) if digits else _other(word)


def _numeral(word: str) -> str:
    """A numeral as it is written down: without separators, but with a decimal point and a leading plus."""
    plain = re.sub(r"(?<=\d)\.(?=\d)", "\0", word)
    return "".join({"\0": "."}.get(each, each) for each in plain if each.isdecimal() or each in "+\0")


def _letter_item(word: str, *, shouted: bool, capitals: bool, first: bool) -> _Dictated:
    """What one word dictates where letters are expected.

    Args:
        word: As the decoder has written it.
        shouted: Whether the whole text is in capitals, so that capitals say nothing.
        capitals: Whether the text has single capital letters: its "a" is then an article.
        first: Whether it is the first word, whose capital says nothing.
    """
    lower = word.lower()
    if len(word) == 1 and word.isalnum():
        unclear = lower == "i" or (lower == "a" and (first or word == "a"))
        if word == "a" and capitals:
            return _NOTHING
        return _Dictated(word.upper(), _LIKELY if unclear else _SURE)
    joined = _SPELLED_TOKEN.fullmatch(word) or (word.isalpha() and word.isupper() and not shouted)
    if joined or any(map(str.isdecimal, word)):
        return _Dictated("".join(filter(str.isalnum, word)).upper(), _SURE)
    for names, weight in ((CLEAR_NAMES, _SURE), (SPELLING_WORDS, _LIKELY), (UNCLEAR_NAMES, _UNCLEAR)):
        if lower in names:
            return _Dictated(names[lower], weight)
    return _other(lower)


def _other(word: str) -> _Dictated:
    if word in _SYMBOLS:
        return _Dictated(_SYMBOLS[word], symbol=True)
    if word in _SIGNS:
        return _Dictated(_SIGNS[word])
    return _Dictated("") if word in _FILLERS else _NOTHING


def _explained(lower: Sequence[str], at: int) -> tuple[int, str]:
    """How many words from `at` on explain the letter before, and the letter that they name if they are of the alphabet.

    A decoder confuses letters that sound alike more easily than the words that people explain them with.
    """
    for length in (2, 1):
        after = at + length
        if " ".join(lower[at:after]) in EXPLAINING and after < len(lower) and len(lower[after]) > 1:
            return length + 1, SPELLING_WORDS.get(lower[after], "")
    return 0, ""


def _rows(items: Sequence[_Dictated]) -> list[list[_Dictated]]:
    """The items between words that are not dictated."""
    rows: list[list[_Dictated]] = [[]]
    for item in items:
        if item is _NOTHING:
            rows.append([])
        else:
            rows[-1].append(item)
    return [row for row in rows if row]


def _counts(row: Sequence[_Dictated], *, whole: bool) -> bool:
    weights = [item.weight for item in row]
    return sum(weights) >= _SURE or (whole and max(weights) >= _LIKELY)


def _written(row: Sequence[_Dictated]) -> str:
    said = [item for item in row if item.characters]
    while said and said[0].symbol:
        said.pop(0)
    while said and said[-1].symbol:
        said.pop()
    return "".join(item.characters for item in said)

"""Marks that close a phrase, in the scripts that models write, and what happens where two of them meet. Pure.

A decoder that is asked for a final in a pause writes the end of a sentence, and may have written a comma there already.
People write one of the two.
"""

from __future__ import annotations

# In the order of the scripts: Latin and Greek, full-width and half-width forms, Arabic and Urdu, the scripts of India
# (danda), Armenian, Ethiopic, Burmese, Khmer, Tibetan, Sinhala.
FULL_STOPS = frozenset(".?!…‥‼⁇⁈⁉\u037e。．？！｡﹒﹖﹗؟۔।॥։።፧။។៕།༎෴")
"""Marks that close a sentence. Any other mark after the last word says that more follows."""
_PAUSES = frozenset(",;:·、，：；､﹐﹑﹔﹕،؛՝፣፤፥፦၊៖")
"""Marks that close a part of a sentence."""
_STOPS = FULL_STOPS | _PAUSES
_QUOTES = frozenset('"»”’」』')
CLOSING = _STOPS | _QUOTES | frozenset(")]}")
"""Marks that end a phrase, brackets and quotation marks included. None of them can begin one."""


def with_mark(text: str, mark: str, gap: str = "") -> str:
    """`text` with a closing mark after it, so that no two marks of those that close phrases meet.

    The end of a sentence takes the place of a pause ("Hello," and "." are "Hello."); any other second mark is left out
    ("Really?" and "." are "Really?"), also where a quotation mark stands between the two. The marks of one piece, such
    as "...", are one mark.

    Args:
        text: Up to the mark.
        mark: Consists of characters of `CLOSING`.
        gap: Space between the two, if there is any.
    """
    rest = mark.lstrip(_ALL_STOPS)
    head = mark.removesuffix(rest)
    inner = text.rstrip(_ALL_QUOTES)
    body = inner.rstrip(f"{_ALL_STOPS} ")
    present, quotes = inner[len(body) :], text[len(inner) :]
    if not head or not present.strip():
        return text + gap + mark
    if FULL_STOPS.isdisjoint(present) and not FULL_STOPS.isdisjoint(head):
        space = present[: len(present) - len(present.lstrip())]
        return body + space + head + quotes + rest
    return text + rest


_ALL_STOPS, _ALL_QUOTES = "".join(sorted(_STOPS)), "".join(sorted(_QUOTES))

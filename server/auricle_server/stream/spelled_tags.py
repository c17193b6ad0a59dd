"""Finds language tags that a model spells, piece by piece, because its vocabulary has no piece for them. Pure.

The multilingual model has one piece for most tags, such as ``<de-DE>``; ``<mt-MT>`` it writes as ``<``, ``m``, ``t``
and so on. Such pieces are held back while they may still become a tag: otherwise "<mt" would stand in an interim.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from auricle_server.text.byte_pieces import Token
from auricle_server.text.vocabulary import Piece, PieceKind, Vocabulary

_START = re.compile(r"<([a-z]{0,3}|[a-z]{2,3}-|[a-z]{2,3}-[A-Z][A-Za-z]{0,3})")
"""What a tag may begin with, all of it except its end."""
_TAG = re.compile(r"<([a-z]{2,3}-[A-Z][A-Za-z]{1,3})>")

PieceAt = tuple[Piece, int, float, float]
"""A piece, absolute emission frame, probability, confidence."""


class SpelledTags:
    """Turns the tokens of one transcript into pieces, with one piece for each tag.

    Args:
        pieces: The model's pieces by token id.
    """

    def __init__(self, pieces: Vocabulary) -> None:
        self._pieces = pieces
        self._held: list[PieceAt] = []
        """Pieces that may become a tag."""

    def pieces(self, tokens: Iterable[Token]) -> Iterator[PieceAt]:
        """The pieces of the tokens that are known to be none of a tag in several pieces, and the tags."""
        for token, *rest in tokens:
            frame, probability, confidence = rest
            found = self._pieces[token], int(frame), probability, confidence
            if self._held or found[0].text.startswith("<"):
                yield from self._next(found)
            else:
                yield found

    def _next(self, found: PieceAt) -> Iterator[PieceAt]:
        piece, *emission = found
        # A piece that starts a word cannot be inside of a tag.
        text = "" if piece.starts_word else "".join(held.text for held, *_ in self._held)
        if tag := _TAG.fullmatch(text + piece.text):
            starts_word = any(held.starts_word for held, *_ in [*self._held[:1], found])
            self._held.clear()
            yield Piece(PieceKind.LANGUAGE, tag[1], starts_word), *emission  # type: ignore[misc]  # as `found` has them
        elif _START.fullmatch(text + piece.text) and piece.kind is not PieceKind.LANGUAGE:
            if not text:
                yield from self._released()
            self._held.append(found)
        else:
            yield from self._released()
            if _START.fullmatch(piece.text):
                self._held.append(found)
            else:
                yield found

    def _released(self) -> Iterator[PieceAt]:
        held, self._held = self._held, []
        return iter(held)

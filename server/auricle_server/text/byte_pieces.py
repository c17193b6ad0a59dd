"""Byte fallback: pieces such as ``<0xC3>``, by which a tokenizer spells the characters that it has no piece for. Pure.

SentencePiece (``byte_fallback``) writes such a character as the bytes of its UTF-8 form, one piece each. A stream joins
them before anything else reads its tokens, so that everything after it sees a character as if the model had a piece for
it; key terms are spelled with stand-ins, one character for each byte.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from math import prod

from auricle_server.text.calibration import geometric_mean

_PIECE = re.compile(r"<0x([0-9A-Fa-f]{2})>")
_STAND_IN = 0xE900
"""First of 256 code points for private use."""
CONTINUATIONS = tuple(range(_STAND_IN + 0x80, _STAND_IN + 0xC0))
"""Code points that stand for bytes that only continue a character."""
_LONGEST = 4
"""Bytes of a character."""

Token = tuple[int, int, float, float]
"""Token id, absolute emission frame, probability, confidence."""


def ids_and_frames(tokens: Iterable[Token]) -> tuple[list[int], list[int]]:
    """The ids of tokens, and the frames of their emission."""
    rows = [(token, frame) for token, frame, *_ in tokens]
    return [token for token, _ in rows], [frame for _, frame in rows]


def byte_of(piece: str) -> int | None:
    """The byte that a piece stands for; None for any other piece."""
    found = _PIECE.fullmatch(piece)
    return None if found is None else int(found[1], 16)


def stand_in(byte: int) -> str:
    """The character that stands for a byte in the spelling of a key term."""
    return chr(_STAND_IN + byte)


def with_bytes(text: str, letters: frozenset[str]) -> str:
    """The text with stand-ins for each character that is not in `letters`."""
    return "".join(character if character in letters else _bytes_of(character) for character in text)


def _bytes_of(character: str) -> str:
    return "".join(map(stand_in, character.encode(errors="replace")))


class ByteJoiner:
    """Joins the bytes among the tokens of one pass to characters, and holds incomplete ones back.

    Args:
        bytes_: The byte of each token that stands for one.
        first: Token id of the character U+0000; that of any other is so much higher as its code point.
    """

    def __init__(self, bytes_: Mapping[int, int], first: int) -> None:
        self._bytes, self._first = bytes_, first
        self._held: list[Token] = []
        """Tokens of an incomplete character."""

    def joined(self, tokens: Iterable[Token], *, flushed: bool = False) -> list[Token]:
        """The tokens with one for each character in place of those of its bytes.

        Bytes that make no character are left out. A character has the frame of its last byte, the probability of all of
        them together, and their mean confidence.

        Args:
            tokens: The next ones of the pass.
            flushed: Whether a flush has brought them: the decoder continues from its state before it.
        """
        if not self._bytes:
            return list(tokens)
        before, found = [*self._held], list[Token]()
        for token in tokens:
            self._take(token, found)
        if flushed:
            self._held = before
        return found

    def _take(self, token: Token, found: list[Token]) -> None:
        byte = self._bytes.get(token[0])
        if byte is None:
            self._held.clear()
            found.append(token)
            return
        if not 0x80 <= byte < 0xC0:  # it begins a character
            self._held.clear()
        self._held.append(token)
        content = bytes(self._bytes[held] for held, *_ in self._held)
        if len(content) == _length(content[0]):
            text = content.decode(errors="ignore")
            if text:
                found.append(self._character(text))
            self._held.clear()

    def _character(self, text: str) -> Token:
        _, frames, probabilities, confidences = zip(*self._held, strict=True)
        return self._first + ord(text), frames[-1], prod(probabilities), geometric_mean(confidences)


def _length(first: int) -> int:
    """Bytes of a character that begins with this one; what begins none is complete at once, and decodes to nothing."""
    if first < 0xC2 or first > 0xF4:
        return 1
    return 2 if first < 0xE0 else 3 if first < 0xF0 else _LONGEST

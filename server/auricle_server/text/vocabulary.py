"""What the entries of a model's vocabulary do to a transcript; each is parsed once for all streams."""

from __future__ import annotations

import enum
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from auricle_server.text.closing_marks import CLOSING

WORD_START = "\u2581"
"""SentencePiece's mark at the start of a piece that begins a word."""

_WITHOUT_SPACES = "CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR"
"""Scripts, by the names of their characters, that write words without spaces between them."""
_LANGUAGE = re.compile(r"<([a-z]{2,3}-[A-Z][A-Za-z]+)>")
_CONTROL = re.compile(r"<(unk|pad|s|/s|blank|EOB)>")
_END_OF_UTTERANCE = "<EOU>"
"""Emitted at the end of an utterance by checkpoints such as NVIDIA's ``parakeet_realtime_eou``; ``<EOB>`` there ends a
backchannel, which ends no turn."""


class PieceKind(enum.Enum):
    """What a piece does to a transcript."""

    SPEECH = enum.auto()
    CLOSING = enum.auto()
    MARK = enum.auto()
    SPACE = enum.auto()
    LANGUAGE = enum.auto()
    END = enum.auto()
    CONTROL = enum.auto()


_SILENT = frozenset({PieceKind.END, PieceKind.CONTROL, PieceKind.SPACE})
"""Kinds without characters."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One vocabulary entry, parsed.

    Attributes:
        kind: What it does to a transcript.
        text: Its characters without the word mark; of a language tag, the code.
        starts_word: Whether it carries the word mark.
        continues: Whether it can only continue a word: it has no mark, and its script has spaces between words.
    """

    kind: PieceKind
    text: str
    starts_word: bool
    continues: bool = False


def _is_mark(char: str) -> bool:
    return unicodedata.category(char).startswith("P")


def _parse(piece: str) -> Piece:
    starts_word = piece.startswith(WORD_START)
    text = piece.removeprefix(WORD_START).replace(WORD_START, " ")
    if tag := _LANGUAGE.fullmatch(text):
        return Piece(PieceKind.LANGUAGE, tag[1], starts_word)
    kind = _kind_of(text)
    if kind in _SILENT:
        return Piece(kind, "", starts_word)
    return Piece(
        kind, text, starts_word, continues=kind is PieceKind.SPEECH and not starts_word and has_spaces(text[0])
    )


def _kind_of(text: str) -> PieceKind:
    if text == _END_OF_UTTERANCE:
        return PieceKind.END
    if _CONTROL.fullmatch(text):
        return PieceKind.CONTROL
    if not text.strip():
        return PieceKind.SPACE
    if CLOSING.issuperset(text):
        return PieceKind.CLOSING
    return PieceKind.MARK if all(map(_is_mark, text)) else PieceKind.SPEECH


def has_spaces(char: str) -> bool:
    """Whether a character's script writes spaces between words."""
    return not unicodedata.name(char, "").startswith(_WITHOUT_SPACES)


@lru_cache(maxsize=8)
def vocabulary(pieces: tuple[str, ...]) -> tuple[Piece, ...]:
    """The parsed pieces of a model, shared by all its streams."""
    return tuple(map(_parse, pieces))

"""What the entries of a model's vocabulary do to a transcript; each is parsed once for all streams."""

from __future__ import annotations

import enum
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from auricle_server.text.byte_pieces import ByteJoiner, byte_of
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
    if not text.strip():
        return PieceKind.SPACE
    # A byte by itself is no text: `ByteJoiner` makes characters of them.
    if _CONTROL.fullmatch(text) or byte_of(text) is not None or unicodedata.category(text[0]) == "Cc":
        return PieceKind.CONTROL
    if CLOSING.issuperset(text):
        return PieceKind.CLOSING
    return PieceKind.MARK if all(map(_is_mark, text)) else PieceKind.SPEECH


def has_spaces(char: str) -> bool:
    """Whether a character's script writes spaces between words."""
    return not unicodedata.name(char, "").startswith(_WITHOUT_SPACES)


class Vocabulary:
    """The pieces of a model by token id; the ids after them are those of characters, which byte pieces spell.

    Args:
        pieces: Token strings by id.
    """

    def __init__(self, pieces: tuple[str, ...]) -> None:
        self._pieces = tuple(map(_parse, pieces))
        self._bytes = {token: byte for token, byte in enumerate(map(byte_of, pieces)) if byte is not None}

    def __getitem__(self, token: int) -> Piece:
        return self._pieces[token] if token < len(self._pieces) else _character(token - len(self._pieces))

    def __iter__(self) -> Iterator[Piece]:
        return iter(self._pieces)

    def joiner(self) -> ByteJoiner:
        """Joins the bytes of one pass's tokens."""
        return ByteJoiner(self._bytes, len(self._pieces))


@lru_cache(maxsize=4096)
def _character(code: int) -> Piece:
    return _parse(chr(code))


@lru_cache(maxsize=8)
def vocabulary(pieces: tuple[str, ...]) -> Vocabulary:
    """The parsed pieces of a model, shared by all its streams."""
    return Vocabulary(pieces)


def spelled(pieces: Sequence[str], tokens: Iterable[int]) -> str:
    """The text of tokens as a tokenizer writes it, control pieces and tags included; a space precedes each word."""
    known = vocabulary(tuple(pieces))
    joined = known.joiner().joined((token, 0, 1.0, 1.0) for token in tokens)
    texts = (pieces[token] if token < len(pieces) else known[token].text for token, *_ in joined)
    return "".join(texts).replace(WORD_START, " ")

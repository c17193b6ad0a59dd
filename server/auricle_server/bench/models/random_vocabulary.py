"""Vocabularies of any size, and the SentencePiece model of a vocabulary, without training and without protobuf.

NeMo reads the tokenizer of an archive with the sentencepiece library, which takes a serialised ``ModelProto``
(``sentencepiece_model.proto``). The few fields that it needs are encoded here.
"""

from __future__ import annotations

import itertools
import math
import random
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from auricle_server.checkpoints.config import PromptConfig
from auricle_server.checkpoints.languages import TRAINED

WORD_START = "▁"
_UNKNOWN_PIECE = "<unk>"
_LETTERS = "etaoinshrdlucmfwypvbgkqjxz"
_MARKS = ".,?!'"
_WITHOUT_TAG = "mt-MT"
"""The multilingual model has no piece for the tag of Maltese: it spells the tag character by character."""
_VARINT, _BYTES, _FLOAT = 0, 2, 5
"""Wire types of protobuf."""
_NORMAL, _UNKNOWN, _USER_DEFINED = 1, 2, 4
"""Types of a piece in ``ModelProto.SentencePiece``."""
_UNIGRAM, _BPE = 1, 2
"""``TrainerSpec.ModelType``."""


def _span(first: int, last: int) -> str:
    return "".join(map(chr, range(first, last + 1)))


_ALPHABETS = (
    "abcdefghijklmnopqrstuvwxyz",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "àâäáãåæçèéêëìíîïñòóôöõøœùúûüýÿßāčēģīķļņšūžąęėįųłńśźżőűăđơưňřťďĺľŕůșțćğışħ",
    _span(0x0430, 0x044F) + "ёєіїґ" + _span(0x0410, 0x042F),
    _span(0x03B1, 0x03C9) + "άέήίόύώ",
    _span(0x0621, 0x063A) + _span(0x0641, 0x064A),
    _span(0x05D0, 0x05EA),
    _span(0x0905, 0x0939) + _span(0x093E, 0x094D) + "ंँः",
)
"""Alphabets of scripts that write spaces between words, a letter of which follows any other."""
_SYLLABARIES = (
    _span(0x0E01, 0x0E3A) + _span(0x0E40, 0x0E4E),
    _span(0x3041, 0x3093),
    _span(0x30A1, 0x30F6),
    _span(0x4E00, 0x5400),
    _span(0xAC00, 0xAF00),
)
"""Thai, kana, ideographs, Hangul."""
_SINGLE = WORD_START + _MARKS + "0123456789<>-:;«»¿¡。、？！।؟،" + "".join((*_ALPHABETS, *_SYLLABARIES))


@dataclass(frozen=True, slots=True)
class RandomVocabulary:
    """The pieces of a tokenizer.

    Attributes:
        pieces: Token strings by id; the first one is the unknown piece.
        scores: Logarithms of their probabilities, for a Unigram model; None for BPE, whose pieces are merged in the
            order of their ids.
    """

    pieces: tuple[str, ...]
    scores: tuple[float, ...] | None = None


def random_vocabulary(count: int, prompt: PromptConfig | None) -> RandomVocabulary:
    """A vocabulary of the kind that the published models have: mixed scripts and Unigram with a prompt, else BPE.

    Args:
        count: How many pieces.
        prompt: The model's; a tag follows for each language of its dictionary that the published model has one for.
    """
    if prompt is None:
        return RandomVocabulary(_latin_pieces(count))
    tags = [f"<{code}>" for code in TRAINED if code in prompt.dictionary and code != _WITHOUT_TAG]
    chosen = random.Random(count)
    pieces = [*itertools.islice(_mixed_pieces(chosen), count - 1 - len(tags))]
    chosen.shuffle(pieces)
    # A trained model sorts its pieces by probability, and probabilities of words fall as 1 / rank (Zipf).
    total = sum(1 / rank for rank in range(2, count + 2))
    scores = [-math.log(rank * total) for rank in range(2, len(pieces) + 2)]
    return RandomVocabulary((_UNKNOWN_PIECE, *pieces, *tags), (0.0, *scores, *(0.0 for _ in tags)))


def _latin_pieces(count: int) -> tuple[str, ...]:
    """Letters, marks, then syllables, every other of which starts a word."""
    first = [_UNKNOWN_PIECE, WORD_START, *_MARKS, *_LETTERS, *_LETTERS.upper()]
    words = (itertools.product(_LETTERS, repeat=size) for size in (2, 3))
    syllables = (start + "".join(letters) for each in words for letters in each for start in (WORD_START, ""))
    return tuple(itertools.islice(itertools.chain(first, syllables), count))


def _mixed_pieces(chosen: random.Random) -> Iterator[str]:
    """All characters, then stretches of one script, every other of which starts a word; each piece once."""
    yield from dict.fromkeys(_SINGLE)
    seen: set[str] = set()
    for alphabet in itertools.cycle((*_ALPHABETS, *_SYLLABARIES)):
        start = chosen.choice((WORD_START, ""))
        piece = start + "".join(chosen.choices(alphabet, k=chosen.choice((2, 2, 3, 4) if start else (2, 3, 3, 5))))
        if piece not in seen:
            seen.add(piece)
            yield piece


def sentencepiece_model(vocabulary: RandomVocabulary) -> bytes:
    """The serialised SentencePiece model of a vocabulary."""
    scores = vocabulary.scores or tuple(-float(index) for index in range(len(vocabulary.pieces)))
    entries = map(_piece, vocabulary.pieces, scores)
    kind = _BPE if vocabulary.scores is None else _UNIGRAM
    # TrainerSpec: model_type (3), vocab_size (4), unk_id (40), and no bos, eos and pad (41 to 43 are -1).
    trainer = _number(3, kind) + _number(4, len(vocabulary.pieces)) + _number(40, 0)
    trainer += b"".join(_number(field, -1) for field in (41, 42, 43))
    return _joined(_message(1, entry) for entry in entries) + _message(2, trainer)


def _piece(text: str, score: float) -> bytes:
    tagged = text.startswith("<") and text.endswith(">")
    kind = _UNKNOWN if text == _UNKNOWN_PIECE else _USER_DEFINED if tagged else _NORMAL
    return _message(1, text.encode()) + _tag(2, _FLOAT) + struct.pack("<f", score) + _number(3, kind)


def _joined(parts: Iterable[bytes]) -> bytes:
    return b"".join(parts)


def _message(field: int, content: bytes) -> bytes:
    return _tag(field, _BYTES) + _varint(len(content)) + content


def _number(field: int, value: int) -> bytes:
    return _tag(field, _VARINT) + _varint(value)


def _tag(field: int, wire: int) -> bytes:
    return _varint(field << 3 | wire)


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1  # negative numbers travel as 64 bits
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*out, value))

"""Vocabularies of any size, and the SentencePiece model of a vocabulary, without training and without protobuf.

NeMo reads the tokenizer of an archive with the sentencepiece library, which takes a serialised ``ModelProto``
(``sentencepiece_model.proto``). The few fields that it needs are encoded here.
"""

from __future__ import annotations

import itertools
import struct

from auricle_server.checkpoints.config import PromptConfig

WORD_START = "▁"
_LETTERS = "etaoinshrdlucmfwypvbgkqjxz"
_MARKS = ".,?!'"
_VARINT, _BYTES, _FLOAT = 0, 2, 5
"""Wire types of protobuf."""
_NORMAL, _UNKNOWN = 1, 2
"""Types of a piece in ``ModelProto.SentencePiece``."""
_BPE = 2
"""``TrainerSpec.ModelType``."""


def pieces(count: int, prompt: PromptConfig | None) -> tuple[str, ...]:
    """`count` distinct pieces: letters, marks, language tags, then syllables.

    Every other syllable starts a word; the tags are those of a prompted model.
    """
    tags = [f"<{code}>" for code in (prompt.dictionary if prompt else {}) if "-" in code]
    single = [WORD_START, *_MARKS, *_LETTERS, *_LETTERS.upper()]
    first = ["<unk>", *tags, *single]
    syllables = (start + "".join(letters) for size in (2, 3) for letters in _words(size) for start in (WORD_START, ""))
    return tuple(itertools.islice(itertools.chain(first, syllables), count))


def _words(size: int) -> itertools.product[tuple[str, ...]]:
    return itertools.product(_LETTERS, repeat=size)


def sentencepiece_model(all_pieces: tuple[str, ...]) -> bytes:
    """A serialised SentencePiece model of these pieces; the first one is the unknown piece."""
    kinds = [_UNKNOWN] + [_NORMAL] * (len(all_pieces) - 1)
    entries = [_piece(text, -index, kind) for index, (text, kind) in enumerate(zip(all_pieces, kinds, strict=True))]
    # TrainerSpec: model_type (3), vocab_size (4), unk_id (40), and no bos, eos and pad (41 to 43 are -1).
    trainer = _number(3, _BPE) + _number(4, len(all_pieces)) + _number(40, 0)
    trainer += b"".join(_number(field, -1) for field in (41, 42, 43))
    return b"".join(_message(1, entry) for entry in entries) + _message(2, trainer)


def _piece(text: str, score: float, kind: int) -> bytes:
    return _message(1, text.encode()) + _tag(2, _FLOAT) + struct.pack("<f", score) + _number(3, kind)


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

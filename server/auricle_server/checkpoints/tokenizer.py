"""Reads the strings of a model's tokens from a SentencePiece model or a ``tokenizer.json``."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

import sentencepiece

from auricle_server.checkpoints.errors import BadCheckpoint, UnsupportedModel
from auricle_server.checkpoints.parsing.json_text import parse_json


def most_bytes(pieces: int) -> int:
    """Most bytes of a SentencePiece model of so many pieces: 240 kB of them are its table of normal forms."""
    return (4 << 20) + 256 * pieces


def sentencepiece_pieces(model: bytes) -> tuple[str, ...]:
    """The pieces of a serialised SentencePiece model, by id.

    Raises:
        BadCheckpoint: It is not a SentencePiece model.
    """
    try:
        processor = sentencepiece.SentencePieceProcessor(model_proto=model)
        return tuple(processor.id_to_piece(index) for index in range(processor.get_piece_size()))
    except (RuntimeError, ValueError) as error:  # the latter for pieces that are no UTF-8
        raise BadCheckpoint(f"the tokenizer is not a SentencePiece model: {error}") from error


def sentencepiece_scores(model: bytes) -> tuple[float, ...] | None:
    """Logarithms of the pieces' probabilities, of a SentencePiece model of type Unigram; None for BPE.

    The model itself says what it is: NeMo's configuration says ``bpe`` for either, and the published multilingual model
    is a Unigram one. Models of other types (whole words, characters) are treated as BPE, which they are without merges.
    """
    if _trained_as(model) != _UNIGRAM:
        return None
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    return _finite(processor.get_score(index) for index in range(processor.get_piece_size()))


def _finite(scores: Iterable[float]) -> tuple[float, ...]:
    """Raises `BadCheckpoint` where one is no number."""
    found = tuple(scores)
    if not all(map(math.isfinite, found)):
        raise BadCheckpoint("the tokenizer has scores that are not finite; the file is damaged")
    return found


_UNIGRAM = 1
"""``TrainerSpec.ModelType``, also the default."""
_TRAINER_SPEC, _MODEL_TYPE = 2, 3
"""Fields of ``ModelProto`` and of ``TrainerSpec`` in ``sentencepiece_model.proto``."""
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
"""Wire types of protobuf."""


def _trained_as(model: bytes) -> int:
    """``trainer_spec.model_type``; the library does not offer it, and reading it takes no protobuf."""
    kind = _UNIGRAM
    try:
        for field, content in _fields(model):
            if field == _TRAINER_SPEC and isinstance(content, bytes):
                kind = next((value for name, value in _fields(content) if name == _MODEL_TYPE), _UNIGRAM)
    except LookupError as error:  # a kind of field that protobuf gave up long ago, or a number without an end
        raise BadCheckpoint("the tokenizer is a SentencePiece model with fields that none has") from error
    return kind


def _fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """The fields of a protobuf message that a library has read already: numbers, and bytes of what has a length."""
    at = 0
    while at < len(message):
        tag, at = _number(message, at)
        wire = tag & 7
        if wire == _VARINT:
            content, at = _number(message, at)
            yield tag >> 3, content
            continue
        size, at = _number(message, at) if wire == _BYTES else ({_FIXED64: 8, _FIXED32: 4}[wire], at)
        yield tag >> 3, message[at : at + size]
        at += size


def _number(message: bytes, at: int) -> tuple[int, int]:
    """A number of seven bits a byte, the lowest first, and where the next one begins."""
    value = shift = 0
    while True:
        value |= (message[at] & 0x7F) << shift
        if message[at] < 0x80:
            return value, at + 1
        at, shift = at + 1, shift + 7


def json_scores(text: bytes, count: int) -> tuple[float, ...] | None:
    """Logarithms of the probabilities of the first `count` pieces, of a tokenizer of type Unigram; None for others.

    To be called after `json_pieces`, which checks the content.
    """
    vocab = parse_json(text)["model"]["vocab"]
    if isinstance(vocab, dict):
        return None
    try:
        scores = [float(score) for _, score in vocab[:count]]
    except (ValueError, TypeError, OverflowError) as error:
        raise BadCheckpoint(f"tokenizer.json lists pieces without their scores ({error})") from error
    return _finite((*scores, *(0.0 for _ in range(count - len(scores)))))


def json_pieces(text: bytes, count: int) -> tuple[str, ...]:
    """The first `count` pieces of a tokenizer of the `tokenizers` library, by id.

    Pieces of the vocabulary, and added tokens for ids that it lacks. Ids from `count` on are the library's own
    (padding, blank), which the model does not emit.

    Raises:
        BadCheckpoint: It has no vocabulary, or no piece for an id.
        UnsupportedModel: Its pieces are those of a byte-level tokenizer.
    """
    try:
        tokenizer = parse_json(text)
        _refuse_byte_alphabet(tokenizer)
        found = {int(entry["id"]): str(entry["content"]) for entry in tokenizer.get("added_tokens") or ()}
        found |= _vocabulary(tokenizer["model"]["vocab"])
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError) as error:
        raise BadCheckpoint(f"tokenizer.json holds no vocabulary ({error})") from error
    missing = [index for index in range(count) if index not in found]
    if missing:
        raise BadCheckpoint(f"tokenizer.json has no token {missing[0]}; the model emits {count} tokens")
    return tuple(found[index] for index in range(count))


def _refuse_byte_alphabet(tokenizer: Any) -> None:
    """Refuses the pieces of a byte-level tokenizer (GPT-2's), such as "Ġna" and "ÃŃ": they are no characters."""
    steps = (tokenizer.get(key) or {} for key in ("pre_tokenizer", "decoder"))
    inner = (part for step in steps for part in (step, *step.get("pretokenizers", ()), *step.get("decoders", ())))
    if any(part.get("type") == "ByteLevel" for part in inner):
        raise UnsupportedModel(
            "tokenizer.json is a byte-level tokenizer, whose pieces are no characters; Auricle reads SentencePiece "
            "vocabularies, with byte fallback or without: take the model's .nemo file or its tokenizer.model"
        )


def _vocabulary(vocab: Any) -> dict[int, str]:
    """BPE and WordPiece models map pieces to ids; a Unigram model lists pieces with their scores."""
    if isinstance(vocab, dict):
        return {int(index): str(piece) for piece, index in vocab.items()}
    return {index: str(entry[0]) for index, entry in enumerate(vocab)}

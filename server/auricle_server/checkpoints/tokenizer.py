"""Reads the strings of a model's tokens from a SentencePiece model or a ``tokenizer.json``."""

from __future__ import annotations

import json
from typing import Any

import sentencepiece

from auricle_server.checkpoints.errors import BadCheckpoint


def sentencepiece_pieces(model: bytes) -> tuple[str, ...]:
    """The pieces of a serialised SentencePiece model, by id.

    Raises:
        BadCheckpoint: It is not a SentencePiece model.
    """
    try:
        processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    except RuntimeError as error:
        raise BadCheckpoint(f"the tokenizer is not a SentencePiece model: {error}") from error
    return tuple(processor.id_to_piece(index) for index in range(processor.get_piece_size()))


def json_pieces(text: bytes, count: int) -> tuple[str, ...]:
    """The first `count` pieces of a tokenizer of the `tokenizers` library, by id.

    Pieces of the vocabulary, and added tokens for ids that it lacks. Ids from `count` on are the library's own
    (padding, blank), which the model does not emit.

    Raises:
        BadCheckpoint: It has no vocabulary, or no piece for an id.
    """
    try:
        tokenizer = json.loads(text)
        found = {int(entry["id"]): str(entry["content"]) for entry in tokenizer.get("added_tokens") or ()}
        found |= _vocabulary(tokenizer["model"]["vocab"])
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise BadCheckpoint(f"tokenizer.json holds no vocabulary ({error})") from error
    missing = [index for index in range(count) if index not in found]
    if missing:
        raise BadCheckpoint(f"tokenizer.json has no token {missing[0]}; the model emits {count} tokens")
    return tuple(found[index] for index in range(count))


def _vocabulary(vocab: Any) -> dict[int, str]:
    """BPE and WordPiece models map pieces to ids; a Unigram model lists pieces with their scores."""
    if isinstance(vocab, dict):
        return {int(index): str(piece) for piece, index in vocab.items()}
    return {index: str(entry[0]) for index, entry in enumerate(vocab)}

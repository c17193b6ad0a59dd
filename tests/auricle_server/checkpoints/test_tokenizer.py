"""Pieces by id, from either kind of tokenizer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from auricle_server.bench.models.random_vocabulary import sentencepiece_model
from auricle_server.checkpoints.errors import BadCheckpoint
from auricle_server.checkpoints.tokenizer import json_pieces, sentencepiece_pieces

PIECES = ("<unk>", "▁the", "a", "上")


def tokenizer(vocab: Any, added: Any = None) -> bytes:
    return json.dumps({"model": {"vocab": vocab}, "added_tokens": added}).encode()


def test_the_pieces_of_a_sentencepiece_model() -> None:
    assert sentencepiece_pieces(sentencepiece_model(PIECES)) == PIECES


@pytest.mark.parametrize("content", [b"not a model at all", sentencepiece_model(PIECES)[:-10]])
def test_what_is_no_sentencepiece_model_is_refused(content: bytes) -> None:
    with pytest.raises(BadCheckpoint, match="not a SentencePiece model"):
        sentencepiece_pieces(content)


@pytest.mark.parametrize(
    "vocab", [{piece: index for index, piece in enumerate(PIECES)}, [[piece, -1.0] for piece in PIECES]]
)
def test_ids_beyond_the_models_are_left_out(vocab: Any) -> None:
    assert json_pieces(tokenizer(vocab), 4) == PIECES
    assert json_pieces(tokenizer(vocab), 3) == PIECES[:3]


def test_added_tokens_fill_gaps_and_replace_no_piece() -> None:
    added = [{"id": 0, "content": "<unk>"}, {"id": 1, "content": "<other>"}, {"id": 2, "content": "<pad>"}]
    assert json_pieces(tokenizer({"▁the": 1}, added), 3) == ("<unk>", "▁the", "<pad>")


def test_an_id_without_a_piece_is_named() -> None:
    with pytest.raises(BadCheckpoint, match="has no token 1; the model emits 4"):
        json_pieces(tokenizer({"a": 0, "b": 2}), 4)


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b'{"model": {}}', b'{"model": {"vocab": {"a": "x"}}}', b"\xff"])
def test_what_has_no_vocabulary_is_refused(text: bytes) -> None:
    with pytest.raises(BadCheckpoint, match=r"tokenizer\.json holds no vocabulary"):
        json_pieces(text, 1)

"""Pieces by id, from either kind of tokenizer."""

from __future__ import annotations

import io
import json
import math
import struct
from typing import Any

import pytest
import sentencepiece

from auricle_server.bench.models.random_vocabulary import RandomVocabulary, sentencepiece_model
from auricle_server.checkpoints.errors import BadCheckpoint, UnsupportedModel
from auricle_server.checkpoints.tokenizer import (
    json_pieces,
    json_scores,
    sentencepiece_pieces,
    sentencepiece_scores,
)

PIECES = ("<unk>", "▁the", "a", "上")
SCORES = (0.0, -1.5, -2.25, -7.0)
MODEL = sentencepiece_model(RandomVocabulary(PIECES))


def tokenizer(vocab: Any, added: Any = None) -> bytes:
    return json.dumps({"model": {"vocab": vocab}, "added_tokens": added}).encode()


def test_the_pieces_of_a_sentencepiece_model() -> None:
    assert sentencepiece_pieces(MODEL) == PIECES


@pytest.mark.parametrize("content", [b"not a model at all", MODEL[:-10]])
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


@pytest.mark.parametrize(
    "steps",
    [
        {"decoder": {"type": "ByteLevel"}},
        {"pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "Split"}, {"type": "ByteLevel"}]}},
    ],
)
def test_a_byte_level_tokenizer_is_refused_by_name(steps: dict[str, Any]) -> None:
    text = json.dumps({"model": {"vocab": {"Ġna": 0, "ÃŃ": 1}}, **steps}).encode()
    with pytest.raises(UnsupportedModel, match="byte-level tokenizer"):
        json_pieces(text, 2)


def test_a_unigram_model_says_how_probable_its_pieces_are() -> None:
    assert sentencepiece_scores(sentencepiece_model(RandomVocabulary(PIECES, SCORES))) == SCORES
    assert json_scores(tokenizer([list(pair) for pair in zip(PIECES, SCORES, strict=True)]), 3) == SCORES[:3]
    assert json_scores(tokenizer([[PIECES[0], -1.0]]), 2) == (-1.0, 0.0)


def test_bpe_has_no_probabilities() -> None:
    assert sentencepiece_scores(MODEL) is None
    assert json_scores(tokenizer({piece: index for index, piece in enumerate(PIECES)}), 4) is None


@pytest.mark.parametrize("kind", ["bpe", "unigram", "char", "word"])
def test_the_type_of_a_trained_model_is_found(kind: str) -> None:
    """By the library's own trainer, whose models have all fields."""
    sentences = [f"the {word} of {word}s is here and there" for word in ("cat", "dog", "bird", "fish", "tree", "stone")]
    trained = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sentences * 4),
        model_writer=trained,
        model_type=kind,
        vocab_size=24,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    scores = sentencepiece_scores(trained.getvalue())
    assert (scores is not None) == (kind == "unigram")
    assert scores is None or len(scores) == len(sentencepiece_pieces(trained.getvalue()))


@pytest.mark.parametrize("score", [math.nan, math.inf])
def test_scores_that_are_no_numbers_are_refused(score: float) -> None:
    with pytest.raises(BadCheckpoint, match="scores that are not finite"):
        json_scores(tokenizer([[piece, score] for piece in PIECES]), 4)
    unigram = sentencepiece_model(RandomVocabulary(PIECES, SCORES))
    damaged = unigram.replace(struct.pack("<f", SCORES[1]), struct.pack("<f", score))
    assert damaged != unigram
    with pytest.raises(BadCheckpoint, match="score is NaN or Inf"):  # in the library's words
        sentencepiece_pieces(damaged)


@pytest.mark.parametrize("entry", [["a"], "a", ["a", "b"], ["a", None]], ids=str)
def test_pieces_without_scores_are_refused(entry: Any) -> None:
    with pytest.raises(BadCheckpoint, match="pieces without their scores"):
        json_scores(tokenizer([entry]), 1)


def test_fields_that_no_model_has_are_refused() -> None:
    group = MODEL + b"\xa3\x06\xa4\x06"  # which protobuf still reads
    assert sentencepiece_pieces(group) == PIECES
    with pytest.raises(BadCheckpoint, match="fields that none has"):
        sentencepiece_scores(group)

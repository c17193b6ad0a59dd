"""The tokenizer's own segmentation is that of the sentencepiece library, for both types of model."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator

import pytest
import sentencepiece

from auricle_server.bench.models.random_vocabulary import random_vocabulary, sentencepiece_model
from auricle_server.bench.models.shapes import SHAPES
from auricle_server.checkpoints.tokenizer import sentencepiece_pieces, sentencepiece_scores
from auricle_server.engine.key_terms.piece_trie import PieceTrie
from auricle_server.text.byte_pieces import byte_of, stand_in
from auricle_server.text.key_terms import alphabet, spellings

SENTENCES = (
    "the quick brown fox jumps over the lazy dog",
    "Straßenbahn und Eisenbahnbrücke über den Fluß",
    "Żółta łódź płynie po rzece",
    "съешь ещё этих мягких французских булок",
    "ξεσκεπάζω την ψυχοφθόρα βδελυγμία",
    "نص حكيم له سر قاطع وذو شأن عظيم",
    "ありがとうございます カタカナ",
)


def trained(kind: str, *, byte_fallback: bool = False, vocab_size: int = 250) -> bytes:
    """A model by the library's own trainer."""
    rng, model = random.Random(1), io.BytesIO()
    words = [word for sentence in SENTENCES for word in sentence.split()]
    lines: Iterator[str] = (" ".join(rng.choices(words, k=6)) for _ in range(400))
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=lines,
        model_writer=model,
        model_type=kind,
        vocab_size=vocab_size,
        byte_fallback=byte_fallback,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    return model.getvalue()


MODELS = {
    "trained Unigram": lambda: trained("unigram"),
    "trained BPE": lambda: trained("bpe"),
    "random, 13,087 pieces": lambda: sentencepiece_model(random_vocabulary(13087, SHAPES["3.5"].prompt)),
}


@pytest.mark.parametrize("model", MODELS.values(), ids=list(MODELS))
def test_words_of_any_script_are_spelled_as_by_the_library(model: object) -> None:
    assert callable(model)
    proto = model()
    processor, pieces = sentencepiece.SentencePieceProcessor(model_proto=proto), sentencepiece_pieces(proto)
    trie, rng = PieceTrie(pieces, sentencepiece_scores(proto)), random.Random(8)
    parts = [piece.replace("▁", "") for piece in pieces if not piece.startswith("<")]
    seen = 0
    for _ in range(1500):
        word = "".join(rng.choices(parts, k=rng.randint(1, 5)))
        expected = processor.encode(word, out_type=str)
        if "".join(expected) == f"▁{word}":  # else the library has normalised it
            assert trie.segmented(f"▁{word}") == expected
            seen += len(expected)
    assert seen > 3000


@pytest.mark.parametrize("kind", ["unigram", "bpe"])
def test_characters_without_a_piece_are_spelled_in_bytes_as_by_the_library(kind: str) -> None:
    proto = trained(kind, byte_fallback=True, vocab_size=500)
    processor, pieces = sentencepiece.SentencePieceProcessor(model_proto=proto), sentencepiece_pieces(proto)
    trie, letters = PieceTrie(pieces, sentencepiece_scores(proto)), alphabet(pieces)
    for word in ("quick", "naïve", "Ðaniel", "東京", "brown😀", "Łódź"):
        (text,) = [each for each in spellings(word, letters) if each.startswith("▁")][:1]
        expected = processor.encode(word, out_type=str)
        ends = [stand_in(byte) if (byte := byte_of(piece)) is not None else piece for piece in expected]
        assert trie.segmented(text) == ends
        assert any(map(byte_of, expected)) or word in {"quick", "Łódź"}


def test_a_character_without_a_piece_stands_alone() -> None:
    trie = PieceTrie(("<unk>", "▁", "a", "b", "ab", "▁ab"), (0.0, -2.0, -2.0, -2.0, -1.0, -0.5))
    assert trie.segmented("▁abzab") == ["▁ab", "z", "ab"]
    assert trie.segmented("") == []

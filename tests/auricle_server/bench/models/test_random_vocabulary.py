from __future__ import annotations

import random

import pytest
import sentencepiece

from auricle_server.bench.models.random_vocabulary import RandomVocabulary, random_vocabulary, sentencepiece_model
from auricle_server.bench.models.shapes import SHAPES
from auricle_server.checkpoints.config import PromptConfig
from auricle_server.text.vocabulary import PieceKind, vocabulary

SCRIPTS = {
    "Latin": "ž",
    "Cyrillic": "ж",
    "Greek": "λ",
    "Arabic": "ع",
    "Hebrew": "ש",
    "Devanagari": "क",
    "Thai": "ก",
    "Hiragana": "ね",
    "Katakana": "ネ",
    "ideographs": "丁",
    "Hangul": "가",
}


def processor(of: RandomVocabulary) -> sentencepiece.SentencePieceProcessor:
    return sentencepiece.SentencePieceProcessor(model_proto=sentencepiece_model(of))


@pytest.mark.parametrize("prompt", [None, SHAPES["3.5"].prompt], ids=["BPE", "Unigram"])
@pytest.mark.parametrize("count", [256, 1024, 13087])
def test_a_vocabulary_of_any_size(count: int, prompt: PromptConfig | None) -> None:
    found = random_vocabulary(count, prompt)
    assert len(set(found.pieces)) == len(found.pieces) == count
    assert (found.scores is None) == (prompt is None)
    assert found.scores is None or len(found.scores) == count
    reader = processor(found)
    assert reader.get_piece_size() == count
    assert tuple(map(reader.id_to_piece, range(count))) == found.pieces
    assert reader.unk_id() == 0
    assert random_vocabulary(count, prompt) == found


def test_latin_pieces_are_syllables_and_words() -> None:
    found = random_vocabulary(13087, None)
    ids = [found.pieces.index(piece) for piece in ("▁ab", "ab", "▁ac")]
    assert processor(found).decode(ids) == "abab ac"


def test_the_multilingual_vocabulary_has_39_tags_and_all_scripts() -> None:
    found = random_vocabulary(13087, SHAPES["3.5"].prompt)
    kinds = [piece.kind for piece in vocabulary(found.pieces)]
    assert kinds.count(PieceKind.LANGUAGE) == 39
    assert "<mt-MT>" not in found.pieces
    for letter in SCRIPTS.values():
        assert sum(letter in piece for piece in found.pieces) >= 2
    assert set("<mt-MT>") <= set(found.pieces)  # it is spelled, and so is what no piece is for


def test_a_unigram_model_spells_what_it_should_with_few_pieces() -> None:
    found = random_vocabulary(13087, SHAPES["3.5"].prompt)
    reader = processor(found)
    rng = random.Random(4)
    longer = [piece for piece in found.pieces if len(piece) > 2 and "<" not in piece]
    for _ in range(300):
        words = rng.choices(longer, k=3)
        text = "".join(words).replace("▁", " ").strip()
        spelled = reader.encode(text, out_type=str)
        assert "<unk>" not in [reader.id_to_piece(token) for token in reader.encode(text)]
        assert len(spelled) < len(text)
    assert reader.encode("<de-DE>", out_type=str) == ["▁", "<de-DE>"]

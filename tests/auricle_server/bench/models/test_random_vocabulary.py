from __future__ import annotations

import pytest
import sentencepiece

from auricle_server.bench.models.random_vocabulary import pieces, sentencepiece_model
from auricle_server.bench.models.shapes import SHAPES


@pytest.mark.parametrize("count", [256, 1024, 13087])
def test_a_vocabulary_of_any_size(count: int) -> None:
    prompt = SHAPES["3.5"].prompt
    found = pieces(count, prompt)
    assert len(set(found)) == len(found) == count
    processor = sentencepiece.SentencePieceProcessor(model_proto=sentencepiece_model(found))
    assert processor.get_piece_size() == count
    assert tuple(map(processor.id_to_piece, range(count))) == found
    assert processor.unk_id() == 0
    assert processor.decode([found.index("▁ab"), found.index("ab"), found.index("▁ac")]) == "abab ac"

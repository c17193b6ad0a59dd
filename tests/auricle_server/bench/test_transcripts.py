from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jiwer import wer

from auricle_server.bench.transcripts import compare, error_rate, word_errors

WORDS = st.lists(st.sampled_from(["a", "b", "c"]), max_size=8)


@given(left=WORDS, right=WORDS.filter(bool))
def test_word_errors_are_jiwers(left: list[str], right: list[str]) -> None:
    assert word_errors(left, right) / len(right) == pytest.approx(wer(" ".join(right), " ".join(left)))


def test_error_rate_ignores_case_and_marks() -> None:
    assert error_rate(["Hello, there!"], ["hello there"]) == 0.0
    assert error_rate(["one two three four"], ["one two tree"]) == 50.0


def test_compare_goes_as_far_as_the_shorter() -> None:
    pieces = ["▁a", "▁b", "c"]
    agreement = compare(pieces, [[0, 1, 2], [0, 0]], [[0, 1], [1, 0, 2]])
    assert (agreement.streams, agreement.equal, agreement.tokens) == (2, 1, 4)
    assert (agreement.words, agreement.differing, agreement.differing_percent) == (4, 1, 25.0)

"""Words are aligned with what was said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auricle_server.bench.transcripts import word_errors
from auricle_server.text.alignment import align

WORDS = st.lists(st.sampled_from("a b c d".split()), max_size=8)


@pytest.mark.parametrize(
    ("reference", "hypothesis", "expected"),
    [
        ("a b c d", "a x c d", [(0, 0, True), (1, 1, False), (2, 2, True), (3, 3, True)]),
        ("a b c", "a c", [(0, 0, True), (1, None, False), (2, 1, True)]),
        ("a c", "a b c", [(0, 0, True), (None, 1, False), (1, 2, True)]),
        ("", "a", [(None, 0, False)]),
        ("a", "", [(0, None, False)]),
        ("", "", []),
    ],
)
def test_each_step_names_both_words(
    reference: str, hypothesis: str, expected: list[tuple[int | None, int | None, bool]]
) -> None:
    assert align(reference.split(), hypothesis.split()) == expected


@given(WORDS, WORDS)
def test_every_word_comes_once_in_order_and_the_errors_are_fewest(said: list[str], heard: list[str]) -> None:
    pairs = align(said, heard)
    assert [pair.reference for pair in pairs if pair.reference is not None] == list(range(len(said)))
    assert [pair.hypothesis for pair in pairs if pair.hypothesis is not None] == list(range(len(heard)))
    assert sum(not pair.equal for pair in pairs) == word_errors(said, heard)
    for pair in pairs:
        if pair.equal:
            assert pair.reference is not None
            assert pair.hypothesis is not None
            assert said[pair.reference] == heard[pair.hypothesis]

"""The alignment of a transcript with the words that were said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import jiwer


class AlignedPair(NamedTuple):
    """One step of an alignment.

    Attributes:
        reference: Index of the word that was said; None for an insertion.
        hypothesis: Index of the word that was recognised; None for a deletion.
        equal: Whether the two are the same; of a substitution both indices are given.
    """

    reference: int | None
    hypothesis: int | None
    equal: bool


def align(reference: Sequence[str], hypothesis: Sequence[str]) -> list[AlignedPair]:
    """The cheapest alignment of two sequences of words (Levenshtein), from start to end.

    Args:
        reference: Words that were said, without white space within a word.
        hypothesis: Words that were recognised, likewise.
    """
    (chunks,) = jiwer.process_words(" ".join(reference), " ".join(hypothesis)).alignments
    pairs = []
    for chunk in chunks:
        said = range(chunk.ref_start_idx, chunk.ref_end_idx)
        heard = range(chunk.hyp_start_idx, chunk.hyp_end_idx)
        if chunk.type == "delete":
            pairs += [AlignedPair(index, None, False) for index in said]
        elif chunk.type == "insert":
            pairs += [AlignedPair(None, index, False) for index in heard]
        else:
            equal = chunk.type == "equal"
            pairs += [AlignedPair(one, other, equal) for one, other in zip(said, heard, strict=True)]
    return pairs

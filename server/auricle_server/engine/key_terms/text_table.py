"""Texts as a table of characters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from auricle_server.engine.key_terms.arrays import Bools, Int64s

NO_CHARACTER = 0x110000
"""After the end of a text: one past the last code point."""


class TextTable:
    """Texts, character by character.

    Args:
        texts: At least one, none of them empty.

    Attributes:
        codes: Code points, [texts, longest]; `NO_CHARACTER` after the end of a text.
        lengths: Characters of each text, [texts].
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self.lengths: Int64s = np.fromiter(map(len, texts), np.int64, len(texts))
        self.codes = np.full((len(texts), int(self.lengths.max())), NO_CHARACTER, np.int32)
        # A lone surrogate is a character like any other here: that the protocol refuses it is not this module's care.
        joined = "".join(texts).encode("utf-32-le", "surrogatepass")
        self.codes[self.inside] = np.frombuffer(joined, np.uint32)

    @property
    def inside(self) -> Bools:
        """Which places of `codes` hold a character, [texts, longest]."""
        inside: Bools = np.arange(self.codes.shape[1]) < self.lengths[:, None]
        return inside

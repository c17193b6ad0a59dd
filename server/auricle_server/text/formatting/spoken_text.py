"""The words of a text as the rules read them, and what the rules put in their place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from auricle_server.text.spoken_numbers import NUMBER_WORDS, ORDINALS

LONGEST_RUN = 40
"""Words that one number or address has at most: each rule reads no further, so that work grows with the text only."""
_MARKS = re.compile(r"^([^\w+@#&$€£]*)(.*?)([^\w%]*)$", re.DOTALL)


class FormattedWord(NamedTuple):
    """A word of the formatted text, and the words that were said for it: those from `first` up to before `past`."""

    text: str
    first: int
    past: int


class SpokenToken(NamedTuple):
    """A word, or a part of a hyphenated one.

    Attributes:
        text: Without the marks around it.
        lower: The same in lower case; empty for what no rule may read.
        before: Marks before it.
        after: Marks after it.
        word: Index of its word.
        inner: Whether it goes on a hyphenated word.
    """

    text: str
    lower: str
    before: str
    after: str
    word: int
    inner: bool = False


class Written(NamedTuple):
    """A word that a rule writes.

    Attributes:
        text: Without the marks around it.
        tokens: How many tokens it stands for.
        mark: Written after it where the decoder has no mark of its own.
        bare: Whether the decoder's mark belongs to what was read, as in "a.m.".
    """

    text: str
    tokens: int
    mark: str = ""
    bare: bool = False


class SpokenText:
    """The words that the rules read.

    Args:
        words: As the decoder writes them, with case and marks.
        fixed: Indices of words that no rule may read.

    Attributes:
        tokens: Of all words.
        has_dot: Whether a dot is said somewhere, without which there is no address.
    """

    def __init__(self, words: Sequence[str], fixed: frozenset[int] = frozenset()) -> None:
        self.tokens = [
            token for index, word in enumerate(words) for token in _tokens(word, index, fixed=index in fixed)
        ]
        self._lower = [token.lower for token in self.tokens]
        self.has_dot = "dot" in self._lower or any("." in lower for lower in self._lower)
        self._ends = list(range(1, len(self.tokens) + 1))
        for at in range(len(self.tokens) - 2, -1, -1):
            if not self.tokens[at].after and not self.tokens[at + 1].before:
                self._ends[at] = self._ends[at + 1]

    def run(self, at: int) -> Sequence[str]:
        """The lower-case words from `at` on that no mark separates; empty after the last."""
        return self._lower[at : min(self._ends[at], at + LONGEST_RUN)] if 0 <= at < len(self._lower) else ()

    def lower(self, at: int) -> str:
        """One lower-case word; empty outside the text."""
        return self._lower[at] if 0 <= at < len(self._lower) else ""

    def after_comma(self, at: int) -> Sequence[str]:
        """The run that begins at `at`, where only a comma, or nothing, separates it from the word before."""
        return self.run(at) if 0 < at < len(self.tokens) and self.tokens[at - 1].after in {"", ","} else ()

    def before(self, at: int) -> str:
        """The lower-case word before, where no mark separates the two; otherwise empty."""
        return self._lower[at - 1] if at and self._ends[at - 1] > at else ""


Rule = Callable[[SpokenText, int], Sequence[Written]]
"""What a rule writes for the words from an index on; empty where it does not apply."""


def written(spoken: SpokenText, rules: Sequence[Rule]) -> Iterator[FormattedWord]:
    """The words that the rules write, and all others as they are. The first rule that applies counts."""
    at, pending = 0, None
    while at < len(spoken.tokens):
        found = next((pieces for rule in rules if (pieces := rule(spoken, at))), ())
        for piece in found or (Written(spoken.tokens[at].text, 1),):
            said = spoken.tokens[at : at + piece.tokens]
            at += piece.tokens
            word = _marked(piece, said)
            if said[0].inner and pending is not None:
                pending = FormattedWord(f"{pending.text}-{word.text}", pending.first, word.past)
                continue
            if pending is not None:
                yield pending
            pending = word
    if pending is not None:
        yield pending


def _marked(piece: Written, said: Sequence[SpokenToken]) -> FormattedWord:
    after = "" if piece.bare else said[-1].after or piece.mark
    return FormattedWord(f"{said[0].before}{piece.text}{after}", said[0].word, said[-1].word + 1)


def _tokens(word: str, index: int, *, fixed: bool) -> Iterator[SpokenToken]:
    marked = _MARKS.match(word)
    if fixed or marked is None or not marked[2]:
        yield SpokenToken(word, "", "", "", index)
        return
    before, core, after = marked.groups()
    # "twenty-three" is two words; "555-1234", "co-op" and "J-O-H-N" are none.
    parts = core.split("-")
    if len(parts) == 1 or not any(part.lower() in NUMBER_WORDS or part.lower() in ORDINALS for part in parts):
        parts = [core]
    for place, part in enumerate(parts):
        last = place == len(parts) - 1
        yield SpokenToken(part, part.lower(), "" if place else before, after if last else "", index, place > 0)

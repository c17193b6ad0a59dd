"""Formats the words of a final, or of a text on its way to one. Pure.

Rules are for English. They read words with case and marks as well as bare ones in lower case, and look at no more than
`LONGEST_RUN` words at a time, so their work grows with the text alone. What is not sure stays as it was said.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from auricle_server.text.formatting.addresses import addresses
from auricle_server.text.formatting.amounts import amounts
from auricle_server.text.formatting.clock import times
from auricle_server.text.formatting.dates import dates
from auricle_server.text.formatting.numbers import Numbers, ordinals
from auricle_server.text.formatting.profanity import masked
from auricle_server.text.formatting.replacements import Replacements
from auricle_server.text.formatting.spoken_text import FormattedWord, Rule, SpokenText, written

NumberStyle = Literal["words", "numerals", "smart"]
_RULES: dict[NumberStyle, tuple[Rule, ...]] = {
    "words": (),
    "numerals": (times, ordinals, Numbers(smart=False)),
    "smart": (addresses, dates, times, amounts, ordinals, Numbers(smart=True)),
}


class Formatter:
    """What one stream's client wants to read.

    Args:
        numbers: ``"words"`` leaves them as they were said; ``"numerals"`` writes numbers, ordinals and times in digits;
            ``"smart"`` also money, percentages, times, dates, telephone numbers, addresses of e-mail and of the web,
            and leaves small numbers as words where people do.
        mask_profanity: Whether profane words get asterisks after their first letter.
        replacements: Phrases, and what is written in their place, see `Replacements`.
    """

    def __init__(
        self,
        numbers: NumberStyle = "words",
        *,
        mask_profanity: bool = False,
        replacements: Iterable[tuple[str, str]] = (),
    ) -> None:
        self._rules = _RULES[numbers]
        self._masks = mask_profanity
        self._replacements = Replacements(replacements)

    def __bool__(self) -> bool:
        """Whether it changes anything."""
        return bool(self._rules or self._masks or self._replacements)

    def words(self, words: Sequence[str], *, english: bool = True) -> list[FormattedWord]:
        """The formatted words, in order, with the places of those that were said.

        Args:
            words: As the decoder writes them, with case and marks.
            english: Whether they are English: only replacements apply to other languages.
        """
        found, replaced = self._replacements.applied(words) if self._replacements else (_as_said(words), frozenset())
        if english and self._rules:
            before = found
            spoken = SpokenText([word.text for word in before], replaced)
            found = [
                FormattedWord(word.text, before[word.first].first, before[word.past - 1].past)
                for word in written(spoken, self._rules)
            ]
        if english and self._masks:
            found = [word._replace(text=masked(word.text)) for word in found]
        return found

    def text(self, text: str, *, english: bool = True) -> str:
        """As `words`, for words that white space separates."""
        return " ".join(word.text for word in self.words(text.split(), english=english)) if self else text


def _as_said(words: Sequence[str]) -> list[FormattedWord]:
    return [FormattedWord(word, index, index + 1) for index, word in enumerate(words)]

"""In which language words were said: as the client asked, else by the tags that the model emits. Pure.

Published multilingual models put a tag behind the sentence that it names, others may put it before. One rule serves
both: **a tag names the words before it that no tag has named; where there are none, it names those that follow at
once, up to the next tag.** A model that puts tags before sentences begins with one, so all its words are named when the
next tag comes; one that puts them behind never owes a tag for words that have one already. A tag that comes by itself,
with neither on hand, names nothing: it only says what is probably spoken.

A tag may come behind the end of the segment whose words it names, when somebody has asked for a final early. Those
words have gone with the language before; the tag names none of the next segment.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from auricle.protocol.languages import AUTO
from auricle.protocol.server_messages import LanguageSpan
from auricle_server.ipc.messages import SAMPLE_RATE

AT_ONCE = 6
"""Encoder frames within which a word follows a tag that was put before it: decoders emit the two together. Behind a
sentence, a pause is longer as a rule."""


class TagTracker:
    """The tags of one lane, among its words. Frames are emission frames.

    Attributes:
        language: Code of the last tag; None before the first.
    """

    def __init__(self) -> None:
        self.language: str | None = None
        self._owes = False
        """Whether there are words that no tag has named."""
        self._ahead: str | None = None
        self._ahead_from: int | None = None
        """Frame of the tag that names what follows, until the first word has come."""

    def forget(self) -> None:
        """The speaker was given another language: what was found before says nothing about what follows."""
        self.language = self._ahead = None

    def tag(self, code: str, frame: int) -> bool:
        """Takes a tag; whether it names the words before it that have no name."""
        names_before, self._owes = self._owes, False
        self.language = code
        self._ahead, self._ahead_from = (None, None) if names_before else (code, frame)
        return names_before

    def word(self, frame: int) -> str | None:
        """Takes the beginning of a word; its language, if a tag before has named it."""
        if self._ahead_from is not None and frame - self._ahead_from > AT_ONCE:
            self._ahead = None
        self._ahead_from = None
        self._owes |= self._ahead is None
        return self._ahead


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """A word as far as its language goes: its bounds in samples, and its code, None while no tag has come at all."""

    start: int
    end: int
    language: str | None


class RequestedLanguage:
    """The languages that the client has asked for, and from where on. Positions are samples.

    Args:
        language: The first.
    """

    def __init__(self, language: str) -> None:
        self._positions = [0]
        self._languages = [language]

    @property
    def language(self) -> str:
        """The newest."""
        return self._languages[-1]

    def change(self, language: str, position: int, floor: int) -> None:
        """Another one from `position` on; nobody asks any more about what lies before `floor`."""
        self._positions.append(position)
        self._languages.append(language)
        old = bisect_right(self._positions, floor) - 1
        del self._positions[: max(0, old)], self._languages[: max(0, old)]

    def at(self, position: int, detected: str | None) -> str:
        """The language there: what was asked for, or what was `detected` where that was left to the model."""
        asked = self._languages[max(0, bisect_right(self._positions, position) - 1)]
        return asked if asked != AUTO else detected or AUTO


def spans(words: Iterable[SpokenWord], asked: RequestedLanguage) -> list[tuple[str, int, int]]:
    """Runs of words of one language: the code, the start of the run and how long its words sound, in samples."""
    runs: list[tuple[str, int, int]] = []
    for word in words:
        code, length = asked.at(word.start, word.language), word.end - word.start
        if runs and runs[-1][0] == code:
            runs[-1] = (code, runs[-1][1], runs[-1][2] + length)
        else:
            runs.append((code, word.start, length))
    return runs


def main_language(runs: Sequence[tuple[str, int, int]]) -> str:
    """That of which most was said."""
    lengths: dict[str, int] = {}
    for code, _, length in runs:
        lengths[code] = lengths.get(code, 0) + length
    return max(lengths, key=lengths.__getitem__)


def as_message(runs: Sequence[tuple[str, int, int]]) -> tuple[LanguageSpan, ...]:
    """The runs for a final, when there are several."""
    if len(runs) < 2:
        return ()
    return tuple(LanguageSpan(code, start / SAMPLE_RATE) for code, start, _ in runs)

"""The language of each word: what the client asks for, else what the model's language tags say. Pure.

Published multilingual models emit a tag after the sentence that it names, others may emit it before. One rule serves
both: **a tag names the words before it that no tag has named; where there are none, it names those that follow at
once, up to the next tag.** A model that puts tags before sentences starts with one, so all its words are named when the
next tag comes; with tags after sentences, words that are named already need no other tag. A tag without words on either
side names nothing: it only says which language is probably spoken.

A tag may come after the end of the segment whose words it names, when a final was asked for early. Those words have
been sent with the previous language; the tag names none of the next segment.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from auricle.protocol.languages import AUTO
from auricle.protocol.server_messages import LanguageSpan
from auricle_server.ipc.messages import SAMPLE_RATE
from auricle_server.model_info import ModelInfo

AT_ONCE = 6
"""Encoder frames within which a word follows a tag that names it: decoders emit the two together. The pause after a
sentence is usually longer."""


def adaptation_notice(language: str, info: ModelInfo) -> str | None:
    """Says that the model must be fine-tuned for a language of a stream, for the client; None when it need not."""
    if language not in info.languages_to_adapt:
        return None
    return (
        f"{info.name} offers {language} but must be fine-tuned for it first (its card calls the language "
        f"adaptation-ready): expect wrong words"
    )


class TagTracker:
    """The language tags of one pass, among its words. Frames are emission frames.

    Attributes:
        language: Code of the last tag; None before the first.
    """

    def __init__(self) -> None:
        self.language: str | None = None
        self._unnamed = False
        """Whether there are words that no tag has named."""
        self._ahead: str | None = None
        self._ahead_from: int | None = None
        """Frame of the tag that names what follows, until the first word has come."""

    def forget(self) -> None:
        """Forgets the tags so far: the client has asked for another language."""
        self.language = self._ahead = None

    def tag(self, code: str, frame: int) -> bool:
        """Takes a tag; returns whether it names the unnamed words before it."""
        names_before, self._unnamed = self._unnamed, False
        self.language = code
        self._ahead, self._ahead_from = (None, None) if names_before else (code, frame)
        return names_before

    def word(self, frame: int) -> str | None:
        """Takes the beginning of a word; returns its language, if an earlier tag has named it."""
        if self._ahead_from is not None and frame - self._ahead_from > AT_ONCE:
            self._ahead = None
        self._ahead_from = None
        self._unnamed |= self._ahead is None
        return self._ahead


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """The bounds of a word in samples, and its language code; None while no tag has come at all."""

    start: int
    end: int
    language: str | None


class RequestedLanguage:
    """The languages that the client has asked for, and where each begins. Positions are samples.

    Args:
        language: The first.
    """

    def __init__(self, language: str) -> None:
        self._positions = [0]
        self._languages = [language]

    @property
    def language(self) -> str:
        """The newest one."""
        return self._languages[-1]

    def change(self, language: str, position: int, floor: int) -> None:
        """Another one from `position` on; positions before `floor` are not asked for again."""
        self._positions.append(position)
        self._languages.append(language)
        # Positions only grow. What no later word can need is dropped, so the lists stay short in a stream of hours.
        old = bisect_right(self._positions, floor) - 1
        del self._positions[: max(0, old)], self._languages[: max(0, old)]

    def at(self, position: int, detected: str | None) -> str:
        """The language at `position`: what was asked for, or `detected` where the client leaves it to the model."""
        asked = self._languages[max(0, bisect_right(self._positions, position) - 1)]
        return asked if asked != AUTO else detected or AUTO


def spans(words: Iterable[SpokenWord], asked: RequestedLanguage) -> list[tuple[str, int, int]]:
    """Runs of words of one language: the code, the start of the run and the length of its words, in samples."""
    runs: list[tuple[str, int, int]] = []
    for word in words:
        code, length = asked.at(word.start, word.language), word.end - word.start
        if runs and runs[-1][0] == code:
            runs[-1] = (code, runs[-1][1], runs[-1][2] + length)
        else:
            runs.append((code, word.start, length))
    return runs


def main_language(runs: Sequence[tuple[str, int, int]]) -> str:
    """The language that was spoken for longest."""
    lengths: dict[str, int] = {}
    for code, _, length in runs:
        lengths[code] = lengths.get(code, 0) + length
    return max(lengths, key=lengths.__getitem__)


def as_message(runs: Sequence[tuple[str, int, int]]) -> tuple[LanguageSpan, ...]:
    """The runs as a final carries them; none when all words have one language."""
    if len(runs) < 2:
        return ()
    return tuple(LanguageSpan(code, start / SAMPLE_RATE) for code, start, _ in runs)

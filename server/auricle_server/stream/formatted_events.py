"""The events of a stream with their words written as its client asks for. Pure; times are seconds.

Turns and segments are decided by the words as they were said; only what the client reads is written otherwise. A turn's
text is that of its finals, so a number that is said across two finals stays two numbers in both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from auricle.protocol.server_messages import (
    Final,
    Interim,
    ServerEvent,
    SpeechStarted,
    TurnEagerEnd,
    TurnEnd,
    Word,
)
from auricle.protocol.settings import TextFormat
from auricle_server.text.formatting import Formatter
from auricle_server.turns import is_english


class EventFormatter:
    """Writes the words of one stream's events.

    Args:
        text_format: What the client asks for.
    """

    def __init__(self, text_format: TextFormat) -> None:
        self.change(text_format)
        self._finals: list[tuple[str, str]] = []
        """The texts of the open turn's finals, as said and as written."""
        self._english = False
        """Whether the last words were English."""

    def change(self, text_format: TextFormat) -> None:
        """Another format from the next event on."""
        self._formatter = Formatter(
            text_format.numbers,
            mask_profanity=text_format.profanity_filter,
            replacements=[(each.search, each.replacement) for each in text_format.replace],
        )
        self._changes = bool(self._formatter)

    def formatted(self, events: Sequence[ServerEvent]) -> list[ServerEvent]:
        """The events, in order."""
        return [self._event(event) for event in events] if events else []

    def _event(self, event: ServerEvent) -> ServerEvent:
        match event:
            case Interim() if self._changes:
                self._english = is_english(event.language)
                text, words = self._written(event.text, event.words)
                return event if text == event.text else replace(event, text=text, words=words)
            case Final() if event.text:
                return self._final(event)
            case TurnEagerEnd():
                return replace(event, text=self._turn_text(event.text))
            case TurnEnd():
                event = replace(event, text=self._turn_text(event.text))
                self._finals.clear()
            case SpeechStarted():
                self._finals.clear()
        return event

    def _final(self, final: Final) -> Final:
        languages = [span.language for span in final.languages] or [final.language]
        self._english = all(map(is_english, languages))
        text, words = self._written(final.text, final.words)
        self._finals.append((final.text, text))
        return final if text == final.text else replace(final, text=text, words=words)

    def _written(self, text: str, words: tuple[Word, ...]) -> tuple[str, tuple[Word, ...]]:
        if not self._changes:
            return text, words
        if not words:
            return self._formatter.text(text, english=self._english), words
        written: list[Word] = []
        for word in self._formatter.words([word.text for word in words], english=self._english):
            said = words[word.first : word.past]
            # The words of a replacement that is longer than the phrase share its time.
            start = max(said[0].start, written[-1].end if written else 0.0)
            confidence = round(sum(each.confidence for each in said) / len(said), 4)
            written.append(Word(word.text, start, max(start, said[-1].end), confidence))
        return " ".join(word.text for word in written), tuple(written)

    def _turn_text(self, said: str) -> str:
        """The text of a turn: its finals as they were written, and the words after them."""
        if not self._changes and all(before == after for before, after in self._finals):
            return said
        # Finals from before a change of the turn mode belong to no turn.
        for first in range(len(self._finals) + 1):
            finals = self._finals[first:]
            before = " ".join(text for text, _ in finals)
            if said == before or said.startswith(f"{before} ") or not before:
                rest = said[len(before) :].strip()
                return " ".join(filter(None, [*(text for _, text in finals), self._written(rest, ())[0]]))
        return said

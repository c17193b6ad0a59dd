"""What has been said in the open turn: its finals, and the words after them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from auricle.protocol.languages import AUTO
from auricle.protocol.server_messages import Final, Interim, Word


class FluxTurn:
    """One turn as Flux tells it.

    Args:
        index: Of the turn, from 0.
        window_start: Where the turn before it ended, in seconds.

    Attributes:
        started: Whether the client has been told of its start.
        eager: Probability of the end that the client has been told of and that holds; None while none does.
    """

    def __init__(self, index: int = 0, window_start: float = 0.0) -> None:
        self.index = index
        self.window_start = window_start
        self.started = False
        self.eager: float | None = None
        self._finals: list[Final] = []
        self._interim: Interim | None = None

    def add(self, event: Interim | Final) -> None:
        """Takes the words of a final, or those after the last final."""
        self._interim = event if isinstance(event, Interim) else None
        if isinstance(event, Final) and event.text:
            self._finals.append(event)

    @property
    def text(self) -> str:
        """The words of the turn so far."""
        return " ".join(event.text for event in self._events)

    @property
    def words(self) -> list[dict[str, Any]]:
        """The same with times in seconds and confidence."""
        return [_word(word) for event in self._events for word in event.words]

    @property
    def languages(self) -> list[str]:
        """Their languages, the one with most words first; empty before any is known."""
        counts: Counter[str] = Counter()
        for event in self._events:
            if event.language != AUTO:
                counts[event.language.partition("-")[0]] += len(event.words)
        return [language for language, _ in counts.most_common()]

    @property
    def _events(self) -> Iterable[Interim | Final]:
        return self._finals if self._interim is None else [*self._finals, self._interim]


def _word(word: Word) -> dict[str, Any]:
    return {"word": word.text, "confidence": word.confidence, "start": word.start, "end": word.end}

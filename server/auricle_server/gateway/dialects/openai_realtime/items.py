"""The items of a conversation: each is what was said in one turn, or between two commits."""

from __future__ import annotations

import math
from typing import Any

from auricle.protocol.languages import AUTO
from auricle.protocol.server_messages import Final, Interim, Word
from auricle_server.text.formatting.settled import settled


class RealtimeItem:
    """One item, while it is transcribed.

    Args:
        item_id: Names it.
        began: Where its audio begins, in seconds.

    Attributes:
        id: Its name.
        started: Whether the client has been told that speech has started.
    """

    def __init__(self, item_id: str, began: float) -> None:
        self.id = item_id
        self.began = began
        self.started = False
        self._finals: list[Final] = []
        self._told = ""

    def settle(self, event: Interim | Final) -> str:
        """Takes the words of an event. Returns what the client may be told of them: it cannot take text back."""
        if isinstance(event, Final):
            if not event.text:
                return ""
            self._finals.append(event)
            return self._tell(self.text)
        # The last word may still grow, and a full stop may take the place of the comma after it.
        return self._tell(" ".join(filter(None, [self.text, settled(event.text)])))

    def _tell(self, text: str) -> str:
        # A second pass may find other words than the first, of which the client has been told: the whole text follows.
        if not text.startswith(self._told):
            return ""
        delta, self._told = text[len(self._told) :], text
        return delta

    def forget(self) -> None:
        """The client wants nothing of what was said so far."""
        self._finals.clear()
        self._told = ""

    @property
    def text(self) -> str:
        """The words that are final."""
        return " ".join(final.text for final in self._finals)

    @property
    def languages(self) -> list[dict[str, str]]:
        """The languages of these words, in their order; empty where none is known."""
        codes = [final.language.partition("-")[0] for final in self._finals if final.language != AUTO]
        return [{"code": code} for code in dict.fromkeys(codes)]

    @property
    def logprobs(self) -> list[dict[str, Any]]:
        """The logarithm of the probability of each word."""
        return [_logprob(word) for final in self._finals for word in final.words]


def _logprob(word: Word) -> dict[str, Any]:
    logprob = round(math.log(max(word.confidence, 1e-4)), 4)
    return {"token": word.text, "logprob": logprob, "bytes": list(word.text.encode())}

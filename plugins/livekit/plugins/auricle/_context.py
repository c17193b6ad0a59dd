"""The names and rare words of a session's conversation, as key terms."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from auricle.context_keyterms import context_keyterms

_MESSAGES = 20
"""The last messages that count: names of longer ago are seldom said again."""
_PAUSE_SECONDS = 1.0
"""Between two lists that are sent: a server prepares each anew, and reads updates at a bounded pace."""


class ChatTerms:
    """Follows a conversation, and says at a bounded pace when its key terms have changed.

    Args:
        most: How many terms there may be; with 0 there are none.
        changed: Called when there are others than before, from the event loop.

    Attributes:
        terms: Those of the last messages, newest first.
    """

    def __init__(self, most: int, changed: Callable[[], None]) -> None:
        self.terms: tuple[str, ...] = ()
        self._most = most
        self._changed = changed
        self._messages: deque[str] = deque(maxlen=_MESSAGES)
        self._pause: asyncio.TimerHandle | None = None
        self._told: tuple[str, ...] = ()

    def add(self, message: str) -> None:
        """Takes the next message of the conversation."""
        self._messages.append(message)
        self.terms = context_keyterms(tuple(self._messages), most=self._most)
        if self._pause is None:
            self._tell()

    def _tell(self) -> None:
        """Tells of a change, and of the next one after a pause."""
        self._pause = None
        # The order alone is no change: it says which terms are newer, and a server favours all alike.
        if set(self.terms) != set(self._told):
            self._told = self.terms
            self._pause = asyncio.get_running_loop().call_later(_PAUSE_SECONDS, self._tell)
            self._changed()

    def close(self) -> None:
        """Tells of no more changes."""
        if self._pause is not None:
            self._pause.cancel()
            self._pause = None

"""The last events that a server has sent, for a client that may have missed some of them."""

from __future__ import annotations

from collections import deque

from auricle.protocol.server_messages import Final, Interim, SpeechStarted
from auricle.protocol.signals import Signals

MAX_KEPT_EVENTS = 32
"""Interims replace each other, so these are finals and turn events. A break loses those on the way: a few at most."""
_REPLACES_INTERIM = (Interim, Final)


class ResumeBuffer:
    """The last events of a stream, as texts.

    An interim is kept until another one or its final follows, which contains its text. Signals are not kept: they come
    with every chunk, and would soon leave no room for words.
    """

    def __init__(self) -> None:
        self._texts: deque[tuple[int, type, str]] = deque()
        self._dropped_seq = 0

    def add(self, seq: int, kind: type, text: str) -> None:
        """An event was sent."""
        if kind is Signals:
            return
        # In an empty buffer, any type that is no interim.
        last = self._texts[-1][1] if self._texts else SpeechStarted
        # Leaves a gap in the numbers, which a client accepts; so `_dropped_seq` stays as it is.
        if kind in _REPLACES_INTERIM and last is Interim:
            self._texts.pop()
        self._texts.append((seq, kind, text))
        if len(self._texts) > MAX_KEPT_EVENTS:
            self._dropped_seq, _, _ = self._texts.popleft()

    def reaches_back_to(self, seq: int) -> bool:
        """Whether all events after event `seq` are still here, but for signals and interims that were replaced."""
        return self._dropped_seq <= seq

    def after(self, seq: int) -> list[str]:
        """The texts of the events after event `seq`."""
        return [text for number, _, text in self._texts if number > seq]

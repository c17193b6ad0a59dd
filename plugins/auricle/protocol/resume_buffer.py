"""What a server has sent of late, for a client that may have missed the end of it."""

from __future__ import annotations

from collections import deque

from auricle.protocol.server_messages import Final, Interim, SpeechStarted

MAX_KEPT_EVENTS = 32
"""Events beyond interims. A cut loses what was on its way: of these, a few at most."""
_OVERTAKE = (Interim, Final)


class ResumeBuffer:
    """The last events of a stream, as texts.

    An interim is kept until another one or its final follows: either holds all that it says.
    """

    def __init__(self) -> None:
        self._texts: deque[tuple[int, type, str]] = deque()
        self._forgotten = 0

    def add(self, seq: int, kind: type, text: str) -> None:
        """An event was sent."""
        last = self._texts[-1][1] if self._texts else SpeechStarted
        if kind in _OVERTAKE and last is Interim:
            self._texts.pop()
        self._texts.append((seq, kind, text))
        if len(self._texts) > MAX_KEPT_EVENTS:
            self._forgotten, _, _ = self._texts.popleft()

    def reaches_back_to(self, seq: int) -> bool:
        """Whether all that matters after event `seq` is still here."""
        return self._forgotten <= seq

    def after(self, seq: int) -> list[str]:
        """What was sent after event `seq`."""
        return [text for number, _, text in self._texts if number > seq]

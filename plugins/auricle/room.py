"""How far a caller may run ahead of the socket. Numbers only: times come in."""

from __future__ import annotations


class Room:
    """Decides whether more audio may be said now.

    With a healthy connection the bound is `seconds` of unsent audio. After an interruption everything held is unsent
    again and the world goes on talking, so a caller may be ahead by what is to be replayed and by the time gone since:
    a microphone is never held up, while a file, which comes faster than it plays, waits for the new connection.

    Args:
        seconds: Unsent audio allowed at any time.
        most_seconds: Unsent audio allowed while a new connection catches up. Without a connection the journal sees to
            the bound: it drops the oldest.
    """

    def __init__(self, seconds: float, most_seconds: float) -> None:
        self._seconds = seconds
        self._most = max(seconds, most_seconds)
        self._since: float | None = None
        self._replay = 0.0
        self._connected = True

    def interrupted(self, replay_seconds: float, now: float) -> None:
        """The connection is gone, and `replay_seconds` of audio are unsent again."""
        self._since, self._replay, self._connected = now, replay_seconds, False

    def resumed(self) -> None:
        """There is a connection again."""
        self._connected = True

    def sent(self, unsent_seconds: float) -> None:
        """The connection took some audio; below the ordinary bound it has caught up."""
        if unsent_seconds < self._seconds:
            self._since = None

    def allows(self, unsent_seconds: float, now: float) -> bool:
        """Whether a caller may say more when so much is unsent."""
        if self._since is None:
            return unsent_seconds < self._seconds
        bound = self._seconds + self._replay + now - self._since
        return unsent_seconds < (min(bound, self._most) if self._connected else bound)

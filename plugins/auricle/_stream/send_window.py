"""How far a caller may run ahead of the socket. Numbers only: times come in."""

from __future__ import annotations


class SendWindow:
    """Decides whether more audio may be said now.

    With a healthy connection the bound is `seconds` of unsent audio. After an interruption everything held is unsent
    again and the world goes on talking, so until that is caught up audio is taken at the speed of speech: a microphone
    is never held up, while a file, which comes faster than it plays, waits for the new connection.

    Args:
        seconds: Unsent audio allowed at any time, and how far a caller may be ahead of the speed of speech.
        stall_seconds: The same bound for telling whether the server takes audio at all: a caller that may run far ahead
            must not delay the moment at which a stalled server is given up.
    """

    def __init__(self, seconds: float, stall_seconds: float | None = None) -> None:
        self._seconds = seconds
        self._stall_seconds = seconds if stall_seconds is None else min(seconds, stall_seconds)
        self._since: float | None = None
        self._said_then = 0.0

    def interrupted(self, said_seconds: float, now: float) -> None:
        """The connection is gone, after `said_seconds` of audio in all."""
        if self._since is None:
            self._since, self._said_then = now, said_seconds

    def sent(self, unsent_seconds: float) -> None:
        """The connection took some audio; below the ordinary bound it has caught up."""
        if unsent_seconds < self._stall_seconds:
            self._since = None

    def allows(self, unsent_seconds: float, said_seconds: float, now: float) -> bool:
        """Whether a caller may send more after `said_seconds` of audio in all, of which `unsent_seconds` are unsent."""
        return self._fits(self._seconds, unsent_seconds, said_seconds, now)

    def stalls(self, unsent_seconds: float, said_seconds: float, now: float) -> bool:
        """Whether more audio waits than a server that takes audio would leave unsent."""
        return not self._fits(self._stall_seconds, unsent_seconds, said_seconds, now)

    def _fits(self, bound: float, unsent_seconds: float, said_seconds: float, now: float) -> bool:
        if unsent_seconds < bound:
            return True
        return self._since is not None and said_seconds - self._said_then < bound + now - self._since

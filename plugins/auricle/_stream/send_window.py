"""How far a caller may run ahead of the socket. Numbers only: times come in."""

from __future__ import annotations


class SendWindow:
    """Decides whether more audio may be added now.

    With a healthy connection the bound is `seconds` of unsent audio. After an interruption everything held is unsent
    again while a live speaker goes on talking. So until that is caught up, audio is accepted at real-time speed: a
    microphone is never held back, while a file, which is read faster than it plays, waits for the new connection.

    Args:
        seconds: Unsent audio allowed at any time, and how far a caller may be ahead of real time.
        stall_seconds: The same bound for detecting a server that takes no audio: a caller that may run far ahead must
            not delay the moment at which such a server is given up.
    """

    def __init__(self, seconds: float, stall_seconds: float | None = None) -> None:
        self._seconds = seconds
        self._stall_seconds = seconds if stall_seconds is None else min(seconds, stall_seconds)
        self._interrupted_at: float | None = None
        self._added_then = 0.0

    def interrupted(self, added_seconds: float, now: float) -> None:
        """The connection is gone, after `added_seconds` of audio in all."""
        if self._interrupted_at is None:
            self._interrupted_at, self._added_then = now, added_seconds

    def sent(self, unsent_seconds: float) -> None:
        """The connection took some audio, and `unsent_seconds` are left; little enough means that it has caught up."""
        if unsent_seconds < self._stall_seconds:
            self._interrupted_at = None

    def allows(self, unsent_seconds: float, added_seconds: float, now: float) -> bool:
        """Whether a caller may add more after `added_seconds` of audio in all, of which `unsent_seconds` are unsent."""
        return self._fits(self._seconds, unsent_seconds, added_seconds, now)

    def stalls(self, unsent_seconds: float, added_seconds: float, now: float) -> bool:
        """Whether more audio waits than a server that takes audio would leave unsent."""
        return not self._fits(self._stall_seconds, unsent_seconds, added_seconds, now)

    def _fits(self, bound: float, unsent_seconds: float, added_seconds: float, now: float) -> bool:
        if unsent_seconds < bound:
            return True
        since = self._interrupted_at
        return since is not None and added_seconds - self._added_then < bound + now - since

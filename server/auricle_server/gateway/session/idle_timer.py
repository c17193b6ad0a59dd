"""How long one client may hold a slot without using it. Pure: the caller gives the clock."""

from __future__ import annotations

from collections.abc import Callable


class IdleTimer:
    """Times the wait for a `Start`, and then the pauses without audio.

    Pings and other messages count as neither: they cost a client nothing, and would hold a slot for ever.

    Args:
        start_seconds: Longest wait for the `Start`, from the upgrade or a resumption on.
        idle_seconds: Longest pause without audio.
        clock: Monotonic seconds.
    """

    def __init__(self, start_seconds: float, idle_seconds: float, clock: Callable[[], float]) -> None:
        self._start_seconds = start_seconds
        self._idle_seconds = idle_seconds
        self._clock = clock
        self._audio_time = 0.0
        self.wait_for_start()

    @property
    def seconds(self) -> float:
        """How long nothing has come that counts."""
        return self._clock() - self._since

    def wait_for_start(self) -> None:
        """There is a new connection."""
        self._waits_for_start, self._since = True, self._clock()

    def on_start(self) -> None:
        """Its `Start` has come."""
        self._waits_for_start, self._since = False, self._clock()

    def on_audio(self) -> None:
        """Audio has come, or a message in place of it that the client's wire format has for that."""
        self._since = self._clock()

    def expired(self, audio_time: float, *, owes_answer: bool, reads: bool) -> str | None:
        """Why the connection is to be ended, in a sentence for the client; None when it is not.

        Args:
            audio_time: Seconds of audio that are decoded: while these grow, the silence is the server's.
            owes_answer: Whether the client waits for the answer to a finalize, or to its end.
            reads: Whether the socket is read; messages wait there unseen otherwise.
        """
        if self._waits_for_start:
            limit = self._start_seconds
            return f"no start for {limit:g} s; send it right after the upgrade" if self.seconds > limit else None
        if owes_answer or audio_time > self._audio_time:
            self._audio_time, self._since = audio_time, self._clock()
        limit = self._idle_seconds
        idles = reads and self.seconds > limit
        return f"no audio for {limit:g} s; send some, even silence, or connect again when there is" if idles else None

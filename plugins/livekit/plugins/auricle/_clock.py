"""Positions in a stream's audio, as times on the wall clock."""

from __future__ import annotations


class AudioClock:
    """Knows how much audio came in, and when.

    The server speaks of positions in the audio, LiveKit's turn logic of wall-clock time. A position is as long ago as
    there is audio after it: that holds when a network held frames back and delivered them at once, and when the
    microphone was silent or muted before.
    """

    def __init__(self) -> None:
        self._heard = 0.0
        self._heard_at = 0.0

    def push(self, seconds: float, now: float) -> None:
        """Counts `seconds` of audio that ended at the wall-clock time `now`."""
        self._heard += seconds
        self._heard_at = now

    def wall(self, position: float) -> float:
        """The wall-clock time, in seconds since the epoch, at which the audio at `position` seconds was heard."""
        return self._heard_at - max(self._heard - position, 0.0)

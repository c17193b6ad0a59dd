"""What a client's stream yields: the server's events on the stream's own clock, and the client's own two."""

from __future__ import annotations

from dataclasses import dataclass

from auricle.errors import AuricleError
from auricle.protocol.server_messages import Error, Final, Interim, SpeechStarted, TurnEagerEnd, TurnEnd, TurnResumed


@dataclass(frozen=True, slots=True)
class Reconnecting:
    """The connection is gone and will be tried again. Audio may be sent all the same.

    Attributes:
        attempt: Number of the attempt to come, from 1 on.
        delay: Seconds until then.
        error: Why the last connection, or the last attempt, failed.
    """

    attempt: int
    delay: float
    error: AuricleError


@dataclass(frozen=True, slots=True)
class Reconnected:
    """The stream goes on.

    Attributes:
        replayed_seconds: Audio that the new connection gets to hear again or for the first time: all since the last
            settled point that is still held; of a resumed stream, what its server had not heard yet.
        lost_seconds: Audio that no final covers and that was no longer held (`ReconnectPolicy.replay_seconds`); its
            words are lost. 0 unless the outage or the segment was longer than that.
        resumed: Whether the same server goes on exactly where it was.
    """

    replayed_seconds: float
    lost_seconds: float = 0.0
    resumed: bool = False


SpeechEvent = SpeechStarted | Interim | Final | TurnEagerEnd | TurnResumed | TurnEnd
StreamEvent = SpeechEvent | Error | Reconnecting | Reconnected

"""What a client's stream yields: the server's events on the stream's own clock, and those of the client itself."""

from __future__ import annotations

from dataclasses import dataclass

from auricle.errors import AuricleError
from auricle.protocol.server_messages import Error, Final, Interim, SpeechStarted, TurnEagerEnd, TurnEnd, TurnResumed


@dataclass(frozen=True, slots=True)
class Connected:
    """The first connection of a stream that began without one, see `AuricleClient.stream`; `Stream.ready` is known.

    Attributes:
        buffered_seconds: Audio given to the stream before, which the server receives now.
        lost_seconds: Audio from before that was no longer held (`ReconnectPolicy.replay_seconds`); its words are lost.
    """

    buffered_seconds: float
    lost_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Reconnecting:
    """There is no connection, or it broke; another attempt follows. Audio may be sent all the same.

    Attributes:
        attempt: Number of the attempt to come, from 1 on. The first attempt of a stream that begins without a
            connection is not announced and not counted.
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
VisibleEvent = SpeechEvent | Error
"""What a server sends and a caller sees; `Ready` and `Settled` are for the client itself."""
StreamEvent = VisibleEvent | Connected | Reconnecting | Reconnected

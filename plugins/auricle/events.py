"""What a stream yields: the server's events on the stream's own clock, and the client's events about connections."""

from __future__ import annotations

from dataclasses import dataclass

from auricle.errors import AuricleError
from auricle.protocol.server_messages import (
    Error,
    Final,
    Interim,
    KeytermsInForce,
    NoWords,
    SpeechStarted,
    TurnEagerEnd,
    TurnEnd,
    TurnResumed,
)
from auricle.protocol.signals import Signals


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
    """The stream has a connection again.

    Attributes:
        replayed_seconds: Audio sent on the new connection, again or for the first time: all that is held since the last
            settled point; of a resumed stream, what its server had not received.
        lost_seconds: Audio that no final covers and that was no longer held (`ReconnectPolicy.replay_seconds`); its
            words are lost. 0 unless the outage or the segment was longer than that.
        resumed: Whether the same server continues the stream exactly where it was.
    """

    replayed_seconds: float
    lost_seconds: float = 0.0
    resumed: bool = False


SpeechEvent = SpeechStarted | Interim | Final | NoWords | TurnEagerEnd | TurnResumed | TurnEnd
VisibleEvent = SpeechEvent | Signals | KeytermsInForce | Error
"""What a server sends and a caller sees; `Ready` and `Settled` are for the client itself."""
StreamEvent = VisibleEvent | Connected | Reconnecting | Reconnected

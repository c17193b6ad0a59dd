"""The protocol as two tables: what the client may send in which state, and what the server may answer in which.

Both ends keep both states, each moved by the messages it sends and receives. A pair that is missing from a table is a
protocol violation.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from auricle.protocol import codes
from auricle.protocol.client_messages import End, Finalize, Start, Update
from auricle.protocol.server_messages import (
    Error,
    Final,
    Interim,
    KeytermsInForce,
    NoWords,
    Ready,
    Settled,
    SpeechStarted,
    TurnEagerEnd,
    TurnEnd,
    TurnResumed,
)
from auricle.protocol.signals import Signals


@dataclass(frozen=True, slots=True)
class AudioReceived:
    """A binary message: audio in the encoding and at the rate of the `Start`, mono."""

    pcm: bytes


class FatalError:
    """Stands in the table for an `Error` that is fatal: the connection closes after it."""


class ClientState(Enum):
    """State of the client's end."""

    # That of `Enum` is a Python function, and each packet of audio looks a state up.
    __hash__ = object.__hash__

    OPENING = auto()
    """Nothing is sent; only a `Start` may follow."""
    STREAMING = auto()
    ENDED = auto()
    """`End` is sent; nothing may follow."""


class ServerState(Enum):
    """State of the server's end."""

    __hash__ = object.__hash__

    WAITING = auto()
    """Nothing is answered; `Ready` or a fatal `Error` comes first."""
    READY = auto()
    FAILED = auto()
    """A fatal `Error` is sent; nothing may follow."""


# Audio may follow the `Start` at once: nobody waits a round trip for `Ready` before the first words.
CLIENT_MOVES: dict[tuple[ClientState, type], ClientState] = {
    (ClientState.OPENING, Start): ClientState.STREAMING,
    (ClientState.STREAMING, AudioReceived): ClientState.STREAMING,
    (ClientState.STREAMING, Update): ClientState.STREAMING,
    (ClientState.STREAMING, Finalize): ClientState.STREAMING,
    (ClientState.STREAMING, End): ClientState.ENDED,
}

# Before `Ready` every error is fatal, as no settings are in force yet that could stay so. The `Ready` of a resumed
# stream does not pass this table: `ServerConnection.resume` encodes it.
SERVER_MOVES: dict[tuple[ServerState, type], ServerState] = {
    (ServerState.WAITING, Ready): ServerState.READY,
    (ServerState.WAITING, FatalError): ServerState.FAILED,
    (ServerState.READY, SpeechStarted): ServerState.READY,
    (ServerState.READY, Interim): ServerState.READY,
    (ServerState.READY, Final): ServerState.READY,
    (ServerState.READY, NoWords): ServerState.READY,
    (ServerState.READY, Settled): ServerState.READY,
    (ServerState.READY, Signals): ServerState.READY,
    (ServerState.READY, TurnEagerEnd): ServerState.READY,
    (ServerState.READY, TurnResumed): ServerState.READY,
    (ServerState.READY, TurnEnd): ServerState.READY,
    (ServerState.READY, KeytermsInForce): ServerState.READY,
    (ServerState.READY, Error): ServerState.READY,
    (ServerState.READY, FatalError): ServerState.FAILED,
}

WRONG_MOVES: dict[ClientState, str] = {
    ClientState.OPENING: codes.NOT_STARTED,
    ClientState.STREAMING: codes.ALREADY_STARTED,
    ClientState.ENDED: codes.AFTER_END,
}
"""The error code of a client message that `CLIENT_MOVES` lacks; while streaming, only a second `Start` is one."""

"""The conversation as two tables: what the client may say when, and what the server may answer when.

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
    Ready,
    Settled,
    SpeechStarted,
    TurnEagerEnd,
    TurnEnd,
    TurnResumed,
)


@dataclass(frozen=True, slots=True)
class AudioReceived:
    """A binary message: audio in the encoding and at the rate of the `Start`, mono."""

    pcm: bytes


class FatalError:
    """Stands in the table for an `Error` after which the connection closes."""


class ClientState(Enum):
    """How far the client's side has come."""

    OPENING = auto()
    """Nothing said; only a `Start` may come."""
    TALKING = auto()
    ENDED = auto()
    """`End` was the last word."""


class ServerState(Enum):
    """How far the server's side has come."""

    SILENT = auto()
    """Nothing answered; `Ready` or an error comes first."""
    ANSWERING = auto()
    FAILED = auto()
    """A fatal `Error` was the last word."""


CLIENT_MOVES: dict[tuple[ClientState, type], ClientState] = {
    (ClientState.OPENING, Start): ClientState.TALKING,
    (ClientState.TALKING, AudioReceived): ClientState.TALKING,
    (ClientState.TALKING, Update): ClientState.TALKING,
    (ClientState.TALKING, Finalize): ClientState.TALKING,
    (ClientState.TALKING, End): ClientState.ENDED,
}

SERVER_MOVES: dict[tuple[ServerState, type], ServerState] = {
    (ServerState.SILENT, Ready): ServerState.ANSWERING,
    (ServerState.SILENT, FatalError): ServerState.FAILED,
    (ServerState.ANSWERING, SpeechStarted): ServerState.ANSWERING,
    (ServerState.ANSWERING, Interim): ServerState.ANSWERING,
    (ServerState.ANSWERING, Final): ServerState.ANSWERING,
    (ServerState.ANSWERING, Settled): ServerState.ANSWERING,
    (ServerState.ANSWERING, TurnEagerEnd): ServerState.ANSWERING,
    (ServerState.ANSWERING, TurnResumed): ServerState.ANSWERING,
    (ServerState.ANSWERING, TurnEnd): ServerState.ANSWERING,
    (ServerState.ANSWERING, Error): ServerState.ANSWERING,
    (ServerState.ANSWERING, FatalError): ServerState.FAILED,
}

WRONG_MOVES: dict[ClientState, str] = {
    ClientState.OPENING: codes.NOT_STARTED,
    ClientState.TALKING: codes.ALREADY_STARTED,
    ClientState.ENDED: codes.AFTER_END,
}
"""The code of a client move that `CLIENT_MOVES` lacks; while talking, only a second `Start` is one."""

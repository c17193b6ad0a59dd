"""The conversation as two tables: what the client may say when, and what the server may answer when.

Both ends keep both states, each moved by the messages it sends and receives. A pair that is missing from a table is a
protocol violation.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from auricle.protocol import codes
from auricle.protocol.messages import (
    End,
    Error,
    Final,
    Finalize,
    Interim,
    Ready,
    Settled,
    SpeechStarted,
    Start,
    TurnEagerEnd,
    TurnEnd,
    TurnResumed,
    Update,
)


@dataclass(frozen=True, slots=True)
class AudioReceived:
    """A binary message: audio in the encoding and at the rate of the `Start`, mono."""

    pcm: bytes


class FatalError:
    """Stands in the table for an `Error` after which the connection closes."""


class Talk(Enum):
    """How far the client's side has come."""

    OPENING = auto()
    """Nothing said; only a `Start` may come."""
    TALKING = auto()
    ENDED = auto()
    """`End` was the last word."""


class Answer(Enum):
    """How far the server's side has come."""

    SILENT = auto()
    """Nothing answered; `Ready` or an error comes first."""
    ANSWERING = auto()
    FAILED = auto()
    """A fatal `Error` was the last word."""


CLIENT_MOVES: dict[tuple[Talk, type], Talk] = {
    (Talk.OPENING, Start): Talk.TALKING,
    (Talk.TALKING, AudioReceived): Talk.TALKING,
    (Talk.TALKING, Update): Talk.TALKING,
    (Talk.TALKING, Finalize): Talk.TALKING,
    (Talk.TALKING, End): Talk.ENDED,
}

SERVER_MOVES: dict[tuple[Answer, type], Answer] = {
    (Answer.SILENT, Ready): Answer.ANSWERING,
    (Answer.SILENT, FatalError): Answer.FAILED,
    (Answer.ANSWERING, SpeechStarted): Answer.ANSWERING,
    (Answer.ANSWERING, Interim): Answer.ANSWERING,
    (Answer.ANSWERING, Final): Answer.ANSWERING,
    (Answer.ANSWERING, Settled): Answer.ANSWERING,
    (Answer.ANSWERING, TurnEagerEnd): Answer.ANSWERING,
    (Answer.ANSWERING, TurnResumed): Answer.ANSWERING,
    (Answer.ANSWERING, TurnEnd): Answer.ANSWERING,
    (Answer.ANSWERING, Error): Answer.ANSWERING,
    (Answer.ANSWERING, FatalError): Answer.FAILED,
}

WRONG_MOVES: dict[Talk, str] = {
    Talk.OPENING: codes.NOT_STARTED,
    Talk.TALKING: codes.ALREADY_STARTED,
    Talk.ENDED: codes.AFTER_END,
}
"""The code of a client move that `CLIENT_MOVES` lacks; while talking, only a second `Start` is one."""

"""What the service does because of an event: push a frame, or one of the actions that have no frame."""

from __future__ import annotations

from dataclasses import dataclass

from pipecat.frames.frames import Frame
from pipecat.utils.errors import ErrorCategory

from auricle import Ready
from auricle.errors import AuricleError


@dataclass(frozen=True, slots=True)
class FinalRequested:
    """The server was asked for the last final of an utterance."""


@dataclass(frozen=True, slots=True)
class NothingTranscribed:
    """The server was asked so, and found no words that had no final yet."""


@dataclass(frozen=True, slots=True)
class ConnectionChanged:
    """The stream is connected to a server, or was.

    Attributes:
        ready: What the server offers; None while there is none.
    """

    ready: Ready | None


@dataclass(frozen=True, slots=True)
class Problem:
    """What the application must hear of.

    Attributes:
        message: In a sentence.
        category: Whose fault it is, in Pipecat's terms; None for one that Pipecat finds out itself.
        error: The failure of the connection; None when the application asked for what the server does not have.
        permanent: Whether the stream has failed for good.
    """

    message: str
    category: ErrorCategory | None = ErrorCategory.APPLICATION
    error: AuricleError | None = None
    permanent: bool = False


Action = FinalRequested | NothingTranscribed | ConnectionChanged | Problem
Output = Frame | Action

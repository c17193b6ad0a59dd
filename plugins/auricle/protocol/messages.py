"""The messages of the native protocol, version 1: what a client says and what a server answers.

Every type is frozen and validated at construction, so a message that exists is a legal one; whether it is legal *now*
is for `auricle.protocol.connection` to say. Times are seconds of the stream's own audio. JSON field names equal the
attribute names; the JSON field ``type`` is each class's `TYPE`.
"""

from __future__ import annotations

from auricle.protocol.answers import (
    ChunkGrid,
    Error,
    Fault,
    Final,
    Held,
    Interim,
    LanguageSpan,
    Limits,
    Ready,
    ServerEvent,
    Settled,
    SpeechStarted,
    TurnEagerEnd,
    TurnEnd,
    TurnResumed,
    Word,
)
from auricle.protocol.requests import (
    ENCODINGS,
    MAX_ID_LENGTH,
    MAX_SAMPLE_RATE,
    MIN_SAMPLE_RATE,
    PROTOCOL_VERSION,
    RESUME_HEADER,
    SAMPLE_BYTES,
    ClientMessage,
    Encoding,
    End,
    Finalize,
    Start,
    Update,
)

__all__ = [
    "ENCODINGS",
    "MAX_ID_LENGTH",
    "MAX_SAMPLE_RATE",
    "MIN_SAMPLE_RATE",
    "PROTOCOL_VERSION",
    "RESUME_HEADER",
    "SAMPLE_BYTES",
    "ChunkGrid",
    "ClientMessage",
    "Encoding",
    "End",
    "Error",
    "Fault",
    "Final",
    "Finalize",
    "Held",
    "Interim",
    "LanguageSpan",
    "Limits",
    "Ready",
    "ServerEvent",
    "Settled",
    "SpeechStarted",
    "Start",
    "TurnEagerEnd",
    "TurnEnd",
    "TurnResumed",
    "Update",
    "Word",
]

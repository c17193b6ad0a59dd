"""The native protocol, version 1, without I/O: messages, codec, states and both ends of a connection."""

from auricle.protocol.client_messages import PROTOCOL_VERSION, ClientMessage, End, Finalize, Start, Update
from auricle.protocol.codes import CODES, Code, ProtocolViolation
from auricle.protocol.connection import ClientConnection, ClientInput, ServerConnection
from auricle.protocol.server_messages import (
    Error,
    Final,
    Interim,
    KeytermsInForce,
    LanguageSpan,
    Limits,
    NoWords,
    Ready,
    ServerEvent,
    Settled,
    SpeechStarted,
    TurnEagerEnd,
    TurnEnd,
    TurnResumed,
    Word,
)
from auricle.protocol.settings import InvalidMessage, Replacement, TextFormat, TurnSettings
from auricle.protocol.signals import Signals
from auricle.protocol.states import AudioReceived

__all__ = [
    "CODES",
    "PROTOCOL_VERSION",
    "AudioReceived",
    "ClientConnection",
    "ClientInput",
    "ClientMessage",
    "Code",
    "End",
    "Error",
    "Final",
    "Finalize",
    "Interim",
    "InvalidMessage",
    "KeytermsInForce",
    "LanguageSpan",
    "Limits",
    "NoWords",
    "ProtocolViolation",
    "Ready",
    "Replacement",
    "ServerConnection",
    "ServerEvent",
    "Settled",
    "Signals",
    "SpeechStarted",
    "Start",
    "TextFormat",
    "TurnEagerEnd",
    "TurnEnd",
    "TurnResumed",
    "TurnSettings",
    "Update",
    "Word",
]

"""Auricle's client: streaming speech-to-text over a WebSocket.

Everything a caller needs is here; `auricle.protocol` holds both ends of the protocol for those who write their own.
"""

from auricle.client import AuricleClient, connect
from auricle.client_options import ClientOptions
from auricle.errors import (
    AuricleError,
    Backpressure,
    ConnectionFailed,
    ProtocolError,
    Refused,
    ServerFull,
    ServerRestarting,
    StreamFailed,
)
from auricle.events import Connected, Reconnected, Reconnecting, SpeechEvent, StreamEvent
from auricle.protocol.client_messages import Start
from auricle.protocol.server_messages import (
    Error,
    Final,
    Interim,
    KeytermsInForce,
    LanguageSpan,
    Limits,
    NoWords,
    Ready,
    SpeechStarted,
    TurnEagerEnd,
    TurnEnd,
    TurnResumed,
    Word,
)
from auricle.protocol.settings import Replacement, TextFormat, TurnSettings
from auricle.protocol.signals import Signals
from auricle.reconnect import ReconnectPolicy
from auricle.stream import Stream

__version__ = "0.1.0"

__all__ = [
    "AuricleClient",
    "AuricleError",
    "Backpressure",
    "ClientOptions",
    "Connected",
    "ConnectionFailed",
    "Error",
    "Final",
    "Interim",
    "KeytermsInForce",
    "LanguageSpan",
    "Limits",
    "NoWords",
    "ProtocolError",
    "Ready",
    "ReconnectPolicy",
    "Reconnected",
    "Reconnecting",
    "Refused",
    "Replacement",
    "ServerFull",
    "ServerRestarting",
    "Signals",
    "SpeechEvent",
    "SpeechStarted",
    "Start",
    "Stream",
    "StreamEvent",
    "StreamFailed",
    "TextFormat",
    "TurnEagerEnd",
    "TurnEnd",
    "TurnResumed",
    "TurnSettings",
    "Word",
    "__version__",
    "connect",
]

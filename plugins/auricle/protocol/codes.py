"""Every error code of the protocol: whose fault it is, and whether and how the connection closes.

Codes are stable: programs branch on them. The sentence in an `Error` (`auricle.protocol.server_messages`) is for people
and may change.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from auricle.protocol.server_messages import Fault

BAD_JSON: Final = "bad_json"
UNKNOWN_MESSAGE: Final = "unknown_message"
INVALID_FIELD: Final = "invalid_field"
UNSUPPORTED_VERSION: Final = "unsupported_version"
UNKNOWN_MODEL: Final = "unknown_model"
UNSUPPORTED_LATENCY: Final = "unsupported_latency"
UNSUPPORTED_LANGUAGE: Final = "unsupported_language"
UNSUPPORTED_KEYTERMS: Final = "unsupported_keyterms"
INVALID_KEYTERMS: Final = "invalid_keyterms"
UNWRITABLE_KEYTERMS: Final = "unwritable_keyterms"
NO_ROOM_FOR_KEYTERMS: Final = "no_room_for_keyterms"
LANGUAGE_NEEDS_ADAPTATION: Final = "language_needs_adaptation"
NOT_STARTED: Final = "not_started"
ALREADY_STARTED: Final = "already_started"
AFTER_END: Final = "after_end"
BAD_AUDIO: Final = "bad_audio"
MESSAGE_TOO_BIG: Final = "message_too_big"
STREAM_TOO_LONG: Final = "stream_too_long"
IDLE_TIMEOUT: Final = "idle_timeout"
UNAUTHORIZED: Final = "unauthorized"
ORIGIN_NOT_ALLOWED: Final = "origin_not_allowed"
TOO_MANY_STREAMS: Final = "too_many_streams"
SERVER_FULL: Final = "server_full"
SHUTTING_DOWN: Final = "shutting_down"
WORKER_LOST: Final = "worker_lost"
RESTARTING: Final = "restarting"
INTERNAL: Final = "internal"
UNEXPECTED_EVENT: Final = "unexpected_event"

ERROR_HEADER: Final = "Auricle-Error"
"""Header of a refusal before the upgrade, ``code: message`` in ASCII: most WebSocket clients show no body."""


@dataclass(frozen=True, slots=True)
class Code:
    """One row of `CODES`.

    Attributes:
        code: The stable identifier.
        fault: Whose fault. After a fault of its own a client need not try again: the result would be the same.
        fatal: Whether the connection always closes. The others may also answer an `Update`, and then the stream goes on
            as it was.
        close_code: WebSocket close code (RFC 6455, section 7.4) when the connection closes; None for a notice, after
            which it never does.
    """

    code: str
    fault: Fault
    fatal: bool
    close_code: int | None


# RFC 6455, section 7.4.1: 1002 protocol error, 1007 data that does not fit its type, 1008 policy, 1009 too big, 1011
# unexpected condition. 1012 (restart) and 1013 (try again later) come from the registry of section 11.7.
# fmt: off
_ROWS: tuple[tuple[str, Fault, int | None], ...] = (
    (BAD_JSON,             "client", 1007),
    (UNKNOWN_MESSAGE,      "client", 1007),
    (INVALID_FIELD,        "client", 1007),
    (UNSUPPORTED_VERSION,  "client", 1002),
    # As HTTP 404, before the upgrade, where the request names the model.
    (UNKNOWN_MODEL,        "client", 1008),
    (UNSUPPORTED_LATENCY,  "client", 1008),
    (UNSUPPORTED_LANGUAGE, "client", 1008),
    (UNSUPPORTED_KEYTERMS, "client", 1008),
    (INVALID_KEYTERMS,     "client", 1008),
    # Notices: the other key terms stay in force, and so does the language; without room, the terms there were before.
    (UNWRITABLE_KEYTERMS,  "client", None),
    (NO_ROOM_FOR_KEYTERMS, "server", None),
    (LANGUAGE_NEEDS_ADAPTATION, "client", None),
    (NOT_STARTED,          "client", 1002),
    (ALREADY_STARTED,      "client", 1002),
    (AFTER_END,            "client", 1002),
    (BAD_AUDIO,            "client", 1007),
    (MESSAGE_TOO_BIG,      "client", 1009),
    (STREAM_TOO_LONG,      "client", 1008),
    (IDLE_TIMEOUT,         "client", 1008),
    # The server sends it only as HTTP 401, before the upgrade.
    (UNAUTHORIZED,         "client", 1008),
    # As HTTP 403, before the upgrade.
    (ORIGIN_NOT_ALLOWED,   "client", 1008),
    # As HTTP 429, before the upgrade.
    (TOO_MANY_STREAMS,     "client", 1008),
    (SERVER_FULL,          "server", 1013),
    (SHUTTING_DOWN,        "server", 1012),
    (WORKER_LOST,          "server", 1012),
    # Before the upgrade HTTP 503: no worker is ready, which passes by itself. "Full" passes only when a client leaves.
    (RESTARTING,           "server", 1012),
    (INTERNAL,             "server", 1011),
    # Never sent: a client raises it when a server breaks the protocol.
    (UNEXPECTED_EVENT,     "server", 1002),
)
# fmt: on
# A setting that cannot change must not end a running call: its audio goes on with the old one.
_ANSWERS_TO_UPDATE = {
    UNSUPPORTED_LATENCY,
    UNSUPPORTED_LANGUAGE,
    UNSUPPORTED_KEYTERMS,
    INVALID_KEYTERMS,
    SERVER_FULL,
}
NOTICES = frozenset(code for code, _, close_code in _ROWS if close_code is None)
"""Codes of errors that never end a stream: they tell the client what to expect."""

CODES: dict[str, Code] = {
    code: Code(code, fault, code not in _ANSWERS_TO_UPDATE | NOTICES, close_code) for code, fault, close_code in _ROWS
}


class ProtocolViolation(Exception):  # RFC 6455 uses this term for the same thing
    """The peer, or the caller of this end, broke the protocol.

    Attributes:
        code: A key of `CODES`.
        message: A sentence that a person can act on.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message

    @property
    def row(self) -> Code:
        """The code's row in `CODES`."""
        return CODES[self.code]

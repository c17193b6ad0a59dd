"""What a failure of the stream means to a pipeline: whose fault, and whether to go on."""

from __future__ import annotations

from pipecat.utils.errors import ErrorCategory, classify_http_status_code

from auricle.errors import ConnectionFailed, ProtocolError, Refused, ServerFull, StreamFailed
from auricle.protocol import codes
from auricle.protocol.server_messages import Error

_CATEGORIES = {
    ServerFull: ErrorCategory.RATE_LIMIT,
    ConnectionFailed: ErrorCategory.CONNECTIVITY,
    ProtocolError: ErrorCategory.INVALID_REQUEST,
    StreamFailed: ErrorCategory.SERVER,
}
_SETTING_REFUSED = {
    codes.UNSUPPORTED_LATENCY: "latency_ms",
    codes.UNSUPPORTED_LANGUAGE: "language",
    codes.UNSUPPORTED_KEYTERMS: "keyterms",
    codes.INVALID_KEYTERMS: "keyterms",
}


def category_of(error: Exception) -> ErrorCategory | None:
    """Pipecat's category of a stream's error; None for an exception of somebody else.

    A full server is `RATE_LIMIT`, which is worth trying again and costs the service nothing, and never `SERVER`, which
    is a broken one.
    """
    match error:
        case Refused(status=status):
            return classify_http_status_code(status)
        case StreamFailed(permanent=True):
            return ErrorCategory.INVALID_REQUEST
    return next((category for kind, category in _CATEGORIES.items() if isinstance(error, kind)), None)


def refused_setting(error: Error) -> str | None:
    """The setting that a server could not follow, when that is what a non-fatal error says."""
    return _SETTING_REFUSED.get(error.code)

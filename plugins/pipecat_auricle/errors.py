"""The client's errors as Pipecat's categories, which decide whether a service is tried again."""

from __future__ import annotations

from pipecat.utils.errors import ErrorCategory, classify_http_status_code

from auricle.errors import ConnectionFailed, ProtocolError, Refused, ServerFull, ServerRestarting, StreamFailed

_CATEGORIES = {
    ServerFull: ErrorCategory.RATE_LIMIT,
    ServerRestarting: ErrorCategory.RATE_LIMIT,
    ConnectionFailed: ErrorCategory.CONNECTIVITY,
    ProtocolError: ErrorCategory.INVALID_REQUEST,
    StreamFailed: ErrorCategory.SERVER,
}


def category_of(error: Exception) -> ErrorCategory | None:
    """Pipecat's category of an error of the client; None for any other exception.

    A server that is full or restarts is `RATE_LIMIT`: Pipecat keeps the service and it tries again. `SERVER` is a
    broken one.
    """
    match error:
        case Refused(status=status):
            return classify_http_status_code(status)
        case StreamFailed(permanent=True):
            return ErrorCategory.INVALID_REQUEST
    return next((category for kind, category in _CATEGORIES.items() if isinstance(error, kind)), None)

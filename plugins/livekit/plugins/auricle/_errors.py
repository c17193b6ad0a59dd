"""The client's errors as those of LiveKit, by which it retries, fails over and reports."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from livekit.agents import APIConnectionError, APIError, APIStatusError, APITimeoutError

from auricle.errors import (
    AuricleError,
    ConnectionFailed,
    ProtocolError,
    Refused,
    ServerFull,
    ServerRestarting,
    StreamFailed,
)

from .log import logger


@contextmanager
def only_api_errors() -> Iterator[None]:
    """Raises every exception as an `APIError`: after any other, LiveKit's session stays open without recognition."""
    try:
        yield
    except APIError:
        raise
    except AuricleError as error:
        raise api_error(error) from error
    except Exception as error:
        logger.exception("unexpected error in a recognition stream")
        raise APIConnectionError(f"unexpected error in a recognition stream: {error!r}") from error


def api_error(error: AuricleError) -> APIError:
    """The `APIError` for `error`; retryable unless trying again is pointless."""
    retryable = not error.permanent
    match error:
        case ConnectionFailed(reason="timeout"):
            return APITimeoutError(str(error), retryable=retryable)
        case ConnectionFailed():
            return APIConnectionError(str(error), retryable=retryable)
        case ProtocolError():
            return APIError(str(error), body=error.code, retryable=retryable)
    return APIStatusError(
        str(error), status_code=_status_of(error), body=getattr(error, "code", None), retryable=retryable
    )


def _status_of(error: AuricleError) -> int:
    """The HTTP status of the answer; of an error after the upgrade, the status that fits it."""
    match error:
        case Refused():
            return error.status
        case ServerFull() | ServerRestarting():
            return HTTPStatus.SERVICE_UNAVAILABLE
        case StreamFailed(permanent=True):
            return HTTPStatus.BAD_REQUEST
    # LiveKit retries no 4xx but 408, 429 and 499, so failures that may pass are 5xx.
    return HTTPStatus.INTERNAL_SERVER_ERROR

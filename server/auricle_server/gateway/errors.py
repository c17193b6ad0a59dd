"""Why a stream is refused before the WebSocket upgrade."""

from __future__ import annotations

from auricle.protocol import codes
from auricle.protocol.server_messages import Error


class Refusal(Exception):
    """Base of the refusals.

    Attributes:
        status: HTTP status.
        code: A code of `auricle.protocol.codes`.
        retry: Whether the client should try again.
        retry_after: Seconds after which it should (``Retry-After``); None takes the server's setting.
        message: A sentence that a person can act on.
    """

    # An HTTP status before the upgrade, not a close code after it: a proxy can then try another server, and Retry-After
    # (RFC 9110, section 10.2.3) says when to come back.
    status = 503
    code = codes.INTERNAL
    retry = True
    retry_after: float | None = None

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        if retry_after is not None:
            self.retry_after = retry_after


class AtCapacity(Refusal):
    """Every slot is in use, or no worker has time for another stream."""

    code = codes.SERVER_FULL


class NotReady(Refusal):
    """No worker is connected: the server starts, or its worker restarts."""

    code = codes.RESTARTING
    retry_after = 1  # a restart is short, and the shortest that the header can say is a second


class WorkerLost(NotReady):
    """The worker has died with the stream, whose recording begins anew with another one."""

    code = codes.WORKER_LOST


class ShuttingDown(Refusal):
    """The server drains."""

    code = codes.SHUTTING_DOWN


class BadRequest(Refusal):
    """The request asks for something that the server does not understand, or that its model cannot do.

    Args:
        message: As for `Refusal`.
        code: A code of `auricle.protocol.codes`.
    """

    status = 400
    code = codes.INVALID_FIELD
    retry = False

    def __init__(self, message: str, code: str = codes.INVALID_FIELD) -> None:
        super().__init__(message)
        self.code = code


class UnknownModel(BadRequest):
    """The server has no model of that name."""

    status = 404
    code = codes.UNKNOWN_MODEL

    def __init__(self, message: str) -> None:
        super().__init__(message, self.code)


class UploadTooLarge(Refusal):
    """A recording is larger than the server takes."""

    status = 413
    code = codes.MESSAGE_TOO_BIG
    retry = False


class UploadTooSlow(Refusal):
    """A recording does not arrive."""

    status = 408
    code = codes.IDLE_TIMEOUT
    retry = False


class ServerFault(Refusal):
    """The server has failed on the request; the failure is in its log, and another attempt may succeed."""

    status = 500


class Unauthorized(Refusal):
    """The API key is missing or wrong."""

    # The same key fails again, so there is no Retry-After.
    status = 401
    code = codes.UNAUTHORIZED
    retry = False


class NoTokenForToken(Refusal):
    """A token asks for a token, which only a key may."""

    status = 403
    code = codes.UNAUTHORIZED
    retry = False


class OriginNotAllowed(Refusal):
    """The request comes from a web page that may not use the server."""

    status = 403
    code = codes.ORIGIN_NOT_ALLOWED
    retry = False


class TooManyWrongKeys(Refusal):
    """The client's address has tried too many wrong keys."""

    # RFC 6585, section 4.
    status = 429
    code = codes.UNAUTHORIZED

    def __init__(self, seconds: float) -> None:
        super().__init__("too many wrong API keys have come from this address; try again later", seconds)


class KeysUnreadable(Refusal):
    """The keys file cannot be read, so the server knows no key yet."""


class TooManyStreams(Refusal):
    """The API key has as many streams as it may, or has opened them too fast."""

    status = 429
    code = codes.TOO_MANY_STREAMS


def refusal_of(error: Error) -> Refusal:
    """The refusal that says why a stream has failed to a client whose HTTP request still waits for its answer.

    Args:
        error: A fatal one.
    """
    kinds: dict[str, type[Refusal]] = {
        codes.SERVER_FULL: AtCapacity,
        codes.RESTARTING: NotReady,
        codes.WORKER_LOST: WorkerLost,
        codes.SHUTTING_DOWN: ShuttingDown,
    }
    if error.fault == "client":
        return BadRequest(error.message, error.code)
    return kinds.get(error.code, ServerFault)(error.message)

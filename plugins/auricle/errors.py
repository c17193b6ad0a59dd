"""What can go wrong with a stream, as one tree.

    AuricleError
    ├── ConnectionFailed   no server, no TLS, no answer in time, or the connection broke
    ├── Refused            the server will not serve this client (HTTP 401, 403, 404, ...)
    ├── ServerFull         every slot is taken (HTTP 503, 429); `retry_after` says when to come back
    ├── Backpressure       more audio than may wait to be sent; the stream is well
    ├── ProtocolError      one of the two sides broke the protocol
    └── StreamFailed       the server ended this stream; `code` and `fault` say why and whose fault it was

`AuricleError.permanent` is whether trying again is pointless; a stream reconnects after the others by itself.
"""

from __future__ import annotations

from typing import Literal

from auricle.protocol import codes
from auricle.protocol.server_messages import Fault

_EXPIRED = {codes.IDLE_TIMEOUT, codes.STREAM_TOO_LONG}

FailureReason = Literal["unreachable", "tls", "timeout", "lost"]


class AuricleError(Exception):
    """Base of every error that a stream raises.

    Attributes:
        permanent: Whether trying again is pointless.
    """

    permanent: bool = False


class ConnectionFailed(AuricleError):
    """There is no connection.

    Attributes:
        reason: ``"unreachable"`` (no server at this address, or not a speech server), ``"tls"`` (no secure connection),
            ``"timeout"`` (no answer in time) or ``"lost"`` (it was there and broke).
    """

    def __init__(self, reason: FailureReason, message: str, *, permanent: bool = False) -> None:
        super().__init__(message)
        self.reason = reason
        self.permanent = permanent


class Refused(AuricleError):
    """The server answers and will not serve this client.

    Attributes:
        status: HTTP status; 401 for a stream that was refused after the upgrade.
    """

    permanent = True

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class ServerFull(AuricleError):
    """Every slot is taken, or every place for what the stream asked for.

    Attributes:
        retry_after: Seconds after which the server suggests to try again; None when it does not say.
    """

    def __init__(self, retry_after: float | None = None, why: str = "the server has no free slot") -> None:
        hint = "" if retry_after is None else f"; it suggests to try again in {retry_after:g} s"
        super().__init__(f"{why}{hint}")
        self.retry_after = retry_after


class Backpressure(AuricleError):
    """The network or the server takes audio more slowly than it is given, and no more of it may wait.

    The stream goes on; the audio of the call that raised this is not part of it.

    Attributes:
        unsent_seconds: Audio that waits.
    """

    def __init__(self, unsent_seconds: float) -> None:
        super().__init__(f"{unsent_seconds:.1f} s of audio wait to be sent, and no more may; give it more slowly")
        self.unsent_seconds = unsent_seconds


class ProtocolError(AuricleError):
    """The caller or the server broke the protocol.

    Attributes:
        code: A key of `auricle.protocol.CODES`.
    """

    permanent = True

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class StreamFailed(AuricleError):
    """The server ended the stream with an error.

    Attributes:
        code: What the server said, normally a key of `auricle.protocol.CODES`.
        fault: Whose. The client's own fault is permanent, a server's is not.
        message: The server's sentence.
        expired: Whether the stream merely came to an end of its time: nobody spoke for long, or the call is long.
            A new connection goes on with it, so this is not permanent, whoever's fault it is called.
    """

    def __init__(self, code: str, fault: Fault, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.fault: Fault = fault
        self.message = message
        self.expired = code in _EXPIRED
        self.permanent = fault == "client" and not self.expired

"""The errors of a stream, as one tree.

    AuricleError
    ├── ConnectionFailed   no server, no TLS, no answer in time, or the connection broke
    ├── Refused            the server rejects this client (HTTP 401, 403, 404, ...)
    ├── ServerFull         every slot is taken (HTTP 503, 429); `retry_after` says when to try again
    ├── ServerRestarting   the server is there and its model is not yet (HTTP 503); `retry_after` as well
    ├── Backpressure       more audio than may wait to be sent; the stream goes on
    ├── ProtocolError      the client or the server broke the protocol
    └── StreamFailed       the server ended this stream; `code` and `fault` say why and whose fault it was

`AuricleError.permanent` says that another attempt is pointless; after the other errors a stream reconnects by itself.
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
        permanent: Whether another attempt is pointless.
    """

    permanent: bool = False


class ConnectionFailed(AuricleError):
    """There is no connection.

    Attributes:
        reason: ``"unreachable"`` (no server at this address, or not an Auricle server), ``"tls"`` (no secure
            connection), ``"timeout"`` (no answer in time) or ``"lost"`` (an open connection broke).
    """

    def __init__(self, reason: FailureReason, message: str, *, permanent: bool = False) -> None:
        super().__init__(message)
        self.reason = reason
        self.permanent = permanent


class Refused(AuricleError):
    """The server answers and rejects this client.

    Attributes:
        status: HTTP status; 401 for a stream that was refused after the upgrade.
    """

    permanent = True

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class ServerFull(AuricleError):
    """Every slot is taken, or the server has no time left for the latency that the stream asked for.

    Attributes:
        retry_after: Seconds after which the server suggests another attempt; None when it does not suggest any.
    """

    def __init__(self, retry_after: float | None = None, why: str = "the server has no free slot") -> None:
        hint = "" if retry_after is None else f"; it suggests another attempt in {retry_after:g} s"
        super().__init__(f"{why}{hint}")
        self.retry_after = retry_after


class ServerRestarting(AuricleError):
    """The server answers, and serves no stream now: it starts, its worker restarts, or it shuts down.

    It is not full, and this passes by itself: a stream does not count the attempts while it lasts, up to
    `ReconnectPolicy.replay_seconds`.

    Attributes:
        code: ``"restarting"`` or ``"shutting_down"``.
        retry_after: Seconds after which the server suggests another attempt; None when it does not suggest any.
    """

    def __init__(
        self, code: str = codes.RESTARTING, retry_after: float | None = None, why: str = "the server restarts"
    ) -> None:
        super().__init__(why)
        self.code = code
        self.retry_after = retry_after


class Backpressure(AuricleError):
    """The network or the server takes audio more slowly than it is given, and no more may wait.

    The stream goes on, without the audio of the call that raised this.

    Attributes:
        unsent_seconds: Seconds of audio that wait.
    """

    def __init__(self, unsent_seconds: float) -> None:
        super().__init__(f"{unsent_seconds:.1f} s of audio wait to be sent, which is the limit; send more slowly")
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
        code: The server's error code, normally a key of `auricle.protocol.CODES`.
        fault: ``"client"`` or ``"server"``. An error that is the client's fault is permanent, unless it is `expired`.
        message: The server's sentence.
        expired: Whether only the time of the stream was over: no audio for long, or the longest stream was reached. A
            new connection continues it, so this is not permanent although the code calls it the client's fault.
    """

    def __init__(self, code: str, fault: Fault, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.fault: Fault = fault
        self.message = message
        self.expired = code in _EXPIRED
        self.permanent = fault == "client" and not self.expired

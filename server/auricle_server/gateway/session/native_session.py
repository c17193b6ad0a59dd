"""A conversation in the native protocol, whose stream a client can resume on another connection after a cut."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from auricle.protocol import codes
from auricle.protocol.client_messages import ClientMessage, Start
from auricle.protocol.codes import ProtocolViolation
from auricle.protocol.connection import ServerConnection
from auricle.protocol.server_messages import Error, Limits
from auricle.protocol.states import AudioReceived
from auricle_server.gateway.audio.turn_model_pool import TurnModelPool
from auricle_server.gateway.session.dialect import AudioProgress, ChooseModel, EndAnswered, Output, native_close_code
from auricle_server.gateway.session.event_queue import SessionMetrics
from auricle_server.gateway.session.idle_timer import IdleTimer
from auricle_server.gateway.session.session import NORMAL, Session
from auricle_server.gateway.workers.slot_lease import SlotLease

log = logging.getLogger(__name__)


class NativeDialect:
    """The native protocol.

    Args:
        connection: Numbers, encodes and decodes.
    """

    name = "native"
    follows_audio = False

    def __init__(self, connection: ServerConnection) -> None:
        self._connection = connection
        self.receive_audio = connection.receive_audio  # without a call between: there are 50 packets a second

    @property
    def ended(self) -> bool:
        """As `Dialect.ended`."""
        return self._connection.ended

    def receive_text(self, text: str) -> Sequence[ClientMessage | AudioReceived | ChooseModel]:
        """As `Dialect.receive_text`."""
        messages = self._connection.receive_text(text)
        match messages:
            case [Start(model=str(name)) as start, *rest]:
                return ChooseModel(name, lambda _: (start,), start.latency_ms), *rest
        return messages

    def encode(self, output: Output) -> Sequence[str]:
        """As `Dialect.encode`."""
        return () if isinstance(output, AudioProgress | EndAnswered) else (self._connection.send(output),)

    def close_code(self, code: str | None) -> int:
        """As `Dialect.close_code`."""
        return native_close_code(code)


class NativeSession(Session):
    """A stream and its client, which may come back on another connection.

    Args:
        lease: As for `Session`, like the rest.
        token: Resumes the session after a cut; None when it cannot be resumed.
    """

    def __init__(
        self,
        lease: SlotLease,
        token: str | None,
        limits: Limits,
        metrics: SessionMetrics,
        idle_timer: IdleTimer,
        wake: Callable[[], None],
        turn_models: TurnModelPool | None = None,
    ) -> None:
        self._connection = ServerConnection(limits.message_bytes)
        super().__init__(lease, limits, metrics, idle_timer, wake, NativeDialect(self._connection), turn_models)
        self.token = token
        self._resume_seq: int | None = None
        """Number of the last event that a client has had which resumes the stream; None when none is about to."""

    @property
    def resumable(self) -> bool:
        """Whether there is a stream to resume, or the last events of one to fetch."""
        # After an error the worker has dropped the stream.
        return self._stream is not None and self.close_code in {None, NORMAL}

    def can_resume(self, seq: int) -> bool:
        """Whether a client that has had the events up to number `seq` may resume the stream."""
        return self.resumable and self._connection.can_resume(seq)

    def resume(self, seq: int, wake: Callable[[], None]) -> None:
        """Another connection takes over; see `can_resume`. Nothing is sent before its `Start` has come.

        Args:
            seq: Number of the last event that the client has had.
            wake: Replaces that of the old connection.
        """
        self._resume_seq, self._wake = seq, wake
        self._idle_timer.wait_for_start()

    def _on_resume_start(self, text: str, seq: int) -> None:
        self._idle_timer.on_start()
        assert self._stream is not None, "`can_resume` has checked it"
        try:
            self._outgoing.replay(self._connection.resume(text, self._stream.ready(self.token), seq))
        except ProtocolViolation as violation:
            self.fail(violation.code, violation.message)
        else:
            self._resume_seq = None
            self._metrics.on_resumed()
            log.info("stream resumed session=%s seq=%d", self.name, seq)
        self._wake()

    # --- what waits for a client that is about to resume -------------------------------------------------------------

    @property
    def accepts_input(self) -> bool:
        """As `Session.accepts_input`."""
        return self._resume_seq is not None or super().accepts_input

    @property
    def done(self) -> bool:
        """As `Session.done`."""
        return self._resume_seq is None and super().done

    def receive_text(self, text: str) -> None:
        """As `Session.receive_text`."""
        if self._resume_seq is not None:
            self._on_resume_start(text, self._resume_seq)
        else:
            super().receive_text(text)

    def receive_binary(self, data: bytes) -> None:
        """As `Session.receive_binary`."""
        if self._resume_seq is not None:
            self.fail(codes.NOT_STARTED, "the first message must be a start, on every connection")
        super().receive_binary(data)

    def next_text(self) -> str | None:
        """As `Session.next_text`."""
        return super().next_text() if self._resume_seq is None else None

    def _settle(self) -> None:
        if self._resume_seq is None:
            super()._settle()

    def _fail(self, error: Error) -> None:
        if self._resume_seq is not None:
            self._resume_seq = None
            self._outgoing.clear()  # no event may come before the answer to a `Start`
            self.close_code = None  # the first error on this connection counts
        super()._fail(error)

"""One client's conversation, without I/O: what the socket receives goes in, what it must send comes out.

The shell feeds `receive_text` and `receive_binary`, sends what `next_text` returns whenever `wake` was called, and
closes with `close_code` once the session is `done` and nothing is left to send. When the connection is cut, another
shell may take the session over: `resume`.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from typing import TypeVar

from auricle.protocol import codes
from auricle.protocol.client_messages import End, Finalize, Start, Update
from auricle.protocol.codes import CODES, ProtocolViolation
from auricle.protocol.connection import ServerConnection
from auricle.protocol.server_messages import Error, Limits, ServerEvent
from auricle_server.gateway.audio.turn_model_pool import TurnModelPool
from auricle_server.gateway.session.event_queue import OutgoingEvents, SessionMetrics
from auricle_server.gateway.session.idle_timer import IdleTimer
from auricle_server.gateway.session.notices import error_event, log_error
from auricle_server.gateway.session.stream_session import StreamSession
from auricle_server.gateway.workers.slot_lease import SlotLease, StreamItem
from auricle_server.ipc.messages import StreamFailure

log = logging.getLogger(__name__)

MAX_UNSENT = 1024
"""Events of one stream that may wait to be sent before its socket is read no further."""
_SHUTTING_DOWN = "the server shuts down; connect again and replay from the last final"
_T = TypeVar("_T")
_NORMAL = 1000
"""WebSocket close code of a conversation that has come to its end (RFC 6455, section 7.4.1)."""


class Session:
    """A stream and its client.

    Args:
        lease: The slot that the stream has taken.
        token: Resumes the session after a cut; None when it cannot be resumed.
        limits: Bounds of the stream.
        metrics: Counts its events.
        idle_timer: Says when the client has held the slot for too long without using it.
        wake: Called when there may be something to send, or when `accepts_input` may have become true.
        turn_models: Judge turns by their sound; None for by their words alone.

    Attributes:
        name: Names the session in logs and in `Ready`.
        token: As given.
        close_code: WebSocket code to close with after the last text; None while the conversation goes on.
        updates: How many updates the client has sent.
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
        self.name = secrets.token_hex(8)
        self.token = token
        self.close_code: int | None = None
        self.updates = 0
        self._lease = lease
        self._limits = limits
        self._idle_timer = idle_timer
        self._wake = wake
        self._connection = ServerConnection(limits.message_bytes)
        self._turn_models = turn_models
        self._stream: StreamSession | None = None
        self._outgoing = OutgoingEvents(self._connection)
        self._resume_seq: int | None = None
        """Number of the last event that a client has had which resumes the stream; None when none is about to."""
        self._metrics = metrics
        self._draining = False
        lease.listener = self._on_worker

    # --- from the client ---------------------------------------------------------------------------------------------

    @property
    def accepts_input(self) -> bool:
        """Whether the shell may read on; False while too much waits for the worker, or for the client to read."""
        if self.close_code is not None or self._stream is None or self._resume_seq is not None:
            return True
        return self._stream.accepts_input and len(self._outgoing.waiting) < MAX_UNSENT

    def receive_text(self, text: str) -> None:
        """Takes a text message."""
        if self._resume_seq is not None:
            self._on_resume_start(text, self._resume_seq)
        else:
            self._receive(self._receive_message, text)

    def receive_binary(self, data: bytes) -> None:
        """Takes a binary message."""
        if self._resume_seq is not None:
            self.fail(codes.NOT_STARTED, "the first message must be a start, on every connection")
        self._receive(self._receive_audio, data)

    def _receive(self, handle: Callable[[_T], None], data: _T) -> None:
        # What was on its way when the conversation ended is no violation.
        if self.close_code is not None or self._draining:
            return
        try:
            handle(data)
        except ProtocolViolation as violation:
            self.fail(violation.code, violation.message)
        except Exception:
            log.exception("session failed session=%s", self.name)
            self.fail(codes.INTERNAL, "the server failed on this message; the failure is logged there")

    def _receive_audio(self, data: bytes) -> None:
        if pcm := self._connection.receive_audio(data):
            self._idle_timer.on_audio()
            self._started.receive_audio(pcm)

    def _receive_message(self, text: str) -> None:
        for message in self._connection.receive_text(text):
            match message:
                case Finalize():
                    self._metrics.on_finalize(message.id)
                    self._started.finalize(message.id)
                case Update():
                    self.updates += 1
                    self._deliver(self._started.update(message))
                case Start():
                    self._start(message)
                case End():
                    self._started.end()

    def _start(self, start: Start) -> None:
        self._idle_timer.on_start()
        self._stream = stream = StreamSession(
            self.name, self._lease, start, self._limits, self._turn_models, self._on_signals
        )
        self._deliver([stream.ready(self.token), *stream.start_notices()])

    @property
    def _started(self) -> StreamSession:
        if self._stream is None:
            raise ProtocolViolation(codes.NOT_STARTED, "the first message must be a start")
        return self._stream

    # --- after a cut -------------------------------------------------------------------------------------------------

    @property
    def done(self) -> bool:
        """Whether nothing more is to be received: once the last text is sent, the connection closes."""
        return self.close_code is not None and self._resume_seq is None

    @property
    def resumable(self) -> bool:
        """Whether there is a stream to resume, or the last events of one to fetch."""
        # After an error the worker has dropped the stream.
        return self._stream is not None and self.close_code in {None, _NORMAL}

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

    # --- from the worker and the turn models -------------------------------------------------------------------------

    def _on_worker(self, item: StreamItem) -> None:
        if self._stream is not None and self.close_code is None:
            self._deliver(self._stream.on_worker(item))
        elif isinstance(item, StreamFailure):
            self.fail(item.code, item.message)

    def _on_signals(self) -> None:
        if self._stream is not None and self.close_code is None and (events := self._stream.collect()) is not None:
            self._deliver(events)

    # --- to the client -----------------------------------------------------------------------------------------------

    def _deliver(self, events: list[ServerEvent]) -> None:
        """Queues events of the stream, and closes the conversation when the stream has come to its end."""
        last = events[-1] if events else None
        if isinstance(last, Error) and last.fatal:
            self._outgoing.put(events[:-1])
            self._metrics.on_events(events[:-1], self._started.audio_time)
            self._fail(last)
            return
        self._outgoing.put(events)
        self._metrics.on_events(events, self._started.audio_time)
        for event in events:
            if isinstance(event, Error):
                log_error(self.name, event)
        if self._started.over:
            self._finish()
        else:
            self._wake()

    def _finish(self) -> None:
        """The last flush is answered: either the client has sent `End`, or the server shuts down."""
        if self._connection.ended:
            self.close_code = _NORMAL
            self._release()  # a client that resumes may still fetch the last events, which needs no slot
            self._wake()
        else:
            self.fail(codes.SHUTTING_DOWN, _SHUTTING_DOWN)

    @property
    def has_output(self) -> bool:
        """Whether a text waits to be sent, or the connection is to be closed."""
        return self.close_code is not None or bool(self._outgoing)

    def next_text(self) -> str | None:
        """The next text to send; None when nothing waits."""
        return self._outgoing.next_text() if self._resume_seq is None else None

    def fail(self, code: str, message: str) -> None:
        """Ends the conversation with an error; the first one counts."""
        self._fail(error_event(code, message, self._stream.audio_time if self._stream else 0.0, fatal=True))

    def _fail(self, error: Error) -> None:
        resuming, self._resume_seq = self._resume_seq is not None, None
        if resuming:
            self._outgoing.clear()  # no event may come before the answer to a `Start`
        elif self.close_code is not None:
            return
        self._metrics.on_events([error], error.audio_time)
        log_error(self.name, error)
        self._outgoing.put([error])
        self.close_code = CODES[error.code].close_code
        self._release()
        self._wake()

    # --- from the gateway --------------------------------------------------------------------------------------------

    @property
    def unstarted_seconds(self) -> float:
        """How long it has held a slot without a `Start`; 0.0 for a stream."""
        return self._idle_timer.seconds if self._stream is None and self.close_code is None else 0.0

    def check_idle(self) -> None:
        """Ends a connection without a `Start`, and a stream without audio; a silent microphone still sends audio."""
        audio_time = 0.0 if self._stream is None else self._stream.audio_time
        owes = self._connection.ended or self._metrics.awaits_final
        if (why := self._idle_timer.expired(audio_time, owes_answer=owes, reads=self.accepts_input)) is not None:
            self.fail(codes.IDLE_TIMEOUT, why)

    def drain(self) -> None:
        """Makes what was said final, then closes the stream with `shutting_down`."""
        if self._stream is None:
            self.shut_down()
        elif self.close_code is None:
            self._draining = True
            self._stream.drain()

    def shut_down(self) -> None:
        """Closes the stream with `shutting_down` at once, after what is known of what was said."""
        if self._stream is not None and self.close_code is None and self._resume_seq is None:
            self._deliver(self._stream.settle())
        self.fail(codes.SHUTTING_DOWN, _SHUTTING_DOWN)

    def abandon(self) -> None:
        """The client has gone for good: gives the slot back."""
        if self._stream is not None:
            log.info("stream left session=%s audio_seconds=%.2f", self.name, self._stream.audio_time)
        self._release()

    def _release(self) -> None:
        """The worker and the models have nothing more to do for the stream."""
        self._lease.release()
        self._metrics.on_release()
        if self._stream is not None:
            self._stream.close()

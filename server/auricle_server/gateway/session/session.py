"""One client's conversation, without I/O: what the socket receives goes in, what it must send comes out.

The shell feeds `receive_text` and `receive_binary`, sends `next_text` after each `wake`, and closes with `close_code`
once the session is `done` and nothing is left. What messages mean is the `Dialect`'s matter.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TypeVar

from auricle.protocol import codes
from auricle.protocol.client_messages import End, Finalize, Start, Update
from auricle.protocol.codes import ProtocolViolation
from auricle.protocol.server_messages import Error, Limits, ServerEvent
from auricle.protocol.states import AudioReceived
from auricle_server.gateway.audio.turn_model_pool import TurnModelPool
from auricle_server.gateway.errors import Refusal
from auricle_server.gateway.session.dialect import (
    AudioProgress,
    ChooseModel,
    Dialect,
    EndAnswered,
    EndTurn,
    Input,
    KeepAlive,
    LateReply,
    Reply,
)
from auricle_server.gateway.session.event_queue import OutgoingEvents, SessionMetrics, log_errors
from auricle_server.gateway.session.idle_timer import IdleTimer
from auricle_server.gateway.session.notices import error_event, log_error
from auricle_server.gateway.session.stream_session import StreamSession
from auricle_server.gateway.workers.model_choice import StreamSlot
from auricle_server.gateway.workers.slot_lease import SlotLease, StreamItem
from auricle_server.ipc.messages import StreamFailure
from auricle_server.telemetry.log_context import in_stream

log = logging.getLogger(__name__)

MAX_UNSENT = 1024
"""Events of one stream that may wait to be sent before its socket is read no further."""
_SHUTTING_DOWN = "the server shuts down; connect again and replay from the last final"
_T = TypeVar("_T")
NORMAL = 1000
"""WebSocket close code of a conversation that has come to its end (RFC 6455, section 7.4.1)."""


class Session:
    """A stream and its client.

    Args:
        lease: The slot that the stream has taken.
        limits: Bounds of the stream.
        metrics: Counts its events.
        idle_timer: Says when the client has held the slot for too long without using it.
        wake: Called when there may be something to send, or when `accepts_input` may have become true.
        dialect: The client's.
        turn_models: Judge turns by their sound; None for by their words alone.

    Attributes:
        name: Names the session in logs and in `Ready`.
        token: Resumes the session after a cut; None when it cannot be resumed.
        close_code: WebSocket code to close with after the last text; None while the conversation goes on.
        failure: The error that has ended the conversation; None without one.
        updates: How many updates the client has sent.
        audio_texts: In how many text messages audio has come.
        record: Of the stream, for logs and traces.
        slot: The slot that the stream has.
    """

    def __init__(
        self,
        lease: SlotLease,
        limits: Limits,
        metrics: SessionMetrics,
        idle_timer: IdleTimer,
        wake: Callable[[], None],
        dialect: Dialect,
        turn_models: TurnModelPool | None = None,
    ) -> None:
        self.name = secrets.token_hex(8)
        self.token: str | None = None
        self.close_code: int | None = None
        self.failure: Error | None = None
        self.updates = self.audio_texts = 0
        self.record = metrics.record
        self.slot = StreamSlot(lease, lambda item: in_stream(self.record.fields, self._on_worker, item))
        self._limits = limits
        self._idle_timer = idle_timer
        self._wake = wake
        self._dialect, self.dialect = dialect, dialect.name
        self._turn_models = turn_models
        self._stream: StreamSession | None = None
        self._outgoing = OutgoingEvents(dialect.encode)
        self._metrics = metrics
        self._draining = False

    # --- from the client ---------------------------------------------------------------------------------------------

    @property
    def accepts_input(self) -> bool:
        """Whether the shell may read on; False while too much waits for the worker, or for the client to read."""
        if self.close_code is not None or self._stream is None:
            return self.close_code is not None or not self.slot.moving
        return self._stream.accepts_input and len(self._outgoing.waiting) < MAX_UNSENT

    def greet(self, texts: Iterable[str]) -> None:
        """Sends messages for which the client waits before it sends any."""
        self._outgoing.put(map(Reply, texts))
        self._wake()

    def begin(self, start: Start) -> None:
        """Starts the stream of a client that says in its request what it wants, and sends no `Start`."""
        self._receive(self._start, start)

    def receive_text(self, text: str) -> None:
        """Takes a text message."""
        self._receive(lambda text: self._take(self._dialect.receive_text(text)), text)

    def receive_binary(self, data: bytes) -> None:
        """Takes a binary message."""
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
        if pcm := self._dialect.receive_audio(data):
            self._idle_timer.on_audio()
            self._started.receive_audio(pcm)

    def _take(self, inputs: Sequence[Input]) -> None:
        for number, message in enumerate(inputs, 1):
            match message:
                case ChooseModel():
                    self._idle_timer.on_start()
                    begin = partial(self._on_model, message, inputs[number:])
                    self.slot.choose(message.name, message.latency_ms, begin)
                    return
                case AudioReceived(pcm):
                    self.audio_texts += 1
                    self._idle_timer.on_audio()
                    self._started.receive_audio(pcm)
                case KeepAlive():
                    self._idle_timer.on_audio()
                case Reply() | LateReply():
                    self._outgoing.put([message])
                    self._wake()
                case Finalize() | EndTurn():
                    self._metrics.on_finalize(message.id)
                    self._started.finalize(message.id, ends_turn=isinstance(message, EndTurn))
                case Update():
                    self.updates += 1
                    self.record.keyterms = self.record.keyterms if message.keyterms is None else message.keyterms
                    self._deliver(self._started.update(message))
                case Start():
                    self._start(message)
                case End():
                    self._started.end()

    def _on_model(self, choice: ChooseModel, rest: Sequence[Input], refusal: Refusal | None) -> None:
        """The stream has a slot of the model that the client has named, or there is none."""
        if refusal is not None:
            self.fail(refusal.code, refusal.message)
        self._receive(lambda model: self._take((*choice.begin(model), *rest)), self.slot.lease.info)
        self._wake()

    def _start(self, start: Start) -> None:
        self._idle_timer.on_start()
        lease, fields = self.slot.lease, self.record.fields
        self.record.start(lease.info.name, lease.worker, start.keyterms)
        given = start, self._limits, self._turn_models, partial(in_stream, fields, self._on_signals)
        self._stream = stream = StreamSession(self.name, lease, *given)
        self._deliver([stream.ready(self.token), *stream.start_notices()])

    @property
    def _started(self) -> StreamSession:
        if self._stream is None:
            raise ProtocolViolation(codes.NOT_STARTED, "the first message must be a start")
        return self._stream

    @property
    def done(self) -> bool:
        """Whether nothing more is to be received: once the last text is sent, the connection closes."""
        return self.close_code is not None

    def _on_worker(self, item: StreamItem) -> None:
        if self._stream is not None and self.close_code is None:
            self._deliver(self._stream.on_worker(item))
        elif isinstance(item, StreamFailure):
            self.fail(item.code, item.message)

    def _on_signals(self) -> None:
        if self._stream is not None and self.close_code is None and (events := self._stream.collect()) is not None:
            self._deliver(events)

    def _deliver(self, events: list[ServerEvent]) -> None:
        """Queues events of the stream, and closes the conversation when the stream has come to its end."""
        if events and isinstance(last := events[-1], Error) and last.fatal:
            self._outgoing.put(events[:-1])
            self._metrics.on_events(events[:-1], self._started.audio_time)
            self._fail(last)
            return
        self._outgoing.put(events)
        self._metrics.on_events(events, self._started.audio_time)
        log_errors(self.name, events)
        if self._started.over:
            self._finish()
            return
        if self._dialect.follows_audio:
            self._outgoing.put([AudioProgress(self._started.audio_time)])
        self._wake()

    def _finish(self) -> None:
        """The last flush is answered: either the client has sent `End`, or the server shuts down."""
        if self._dialect.ended:
            self._outgoing.put([EndAnswered(self._started.audio_time)])
            self.close_code = self._dialect.close_code(None)
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
        return self._outgoing.next_text()

    def fail(self, code: str, message: str) -> None:
        """Ends the conversation with an error; the first one counts."""
        self._fail(error_event(code, message, self._stream.audio_time if self._stream else 0.0, fatal=True))

    def _fail(self, error: Error) -> None:
        if self.close_code is not None:
            return
        self.failure = error
        self._metrics.on_events([error], error.audio_time)
        log_error(self.name, error)
        self._outgoing.put([error])
        self.close_code = self._dialect.close_code(error.code)
        self._release()
        self._wake()

    @property
    def unstarted_seconds(self) -> float:
        """How long it has held a slot without a `Start`; 0.0 for a stream."""
        return self._idle_timer.seconds if self._stream is None and self.close_code is None else 0.0

    def check_idle(self) -> None:
        """Ends a connection without a `Start`, and a stream without audio; a silent microphone still sends audio."""
        audio_time = 0.0 if self._stream is None else self._stream.audio_time
        owes = self._dialect.ended or self._metrics.awaits_final
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
        self._settle()
        self.fail(codes.SHUTTING_DOWN, _SHUTTING_DOWN)

    def _settle(self) -> None:
        if self._stream is not None and self.close_code is None:
            self._deliver(self._stream.settle())

    def abandon(self) -> None:
        """The client has gone for good: gives the slot back."""
        self.record.leave(started=self._stream is not None)
        self._release()

    def _release(self) -> None:
        """The worker and the models have nothing more to do for the stream."""
        self.slot.release()
        self._metrics.on_release(self.close_code, self.failure)
        if self._stream is not None:
            self._stream.close()

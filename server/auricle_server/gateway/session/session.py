"""One client's conversation, without I/O: what the socket receives goes in, what it must send comes out.

The shell feeds `receive_text` and `receive_binary`, sends what `next_text` returns whenever `wake` was called, and
closes with `close_code` once the session is `done` and nothing is left to send. When the connection is cut, another
shell may take the session over: `rejoin`.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable

from auricle.protocol import codes
from auricle.protocol.client_messages import End, Finalize, Start, Update
from auricle.protocol.codes import CODES, ProtocolViolation
from auricle.protocol.connection import ClientInput, ServerConnection
from auricle.protocol.server_messages import Error, Limits, ServerEvent
from auricle.protocol.states import AudioReceived
from auricle_server.gateway.audio.audio_turn_signals import TurnModelPool
from auricle_server.gateway.session.event_queue import OutgoingEvents
from auricle_server.gateway.session.session_metrics import SessionMetrics
from auricle_server.gateway.session.stream_session import StreamSession
from auricle_server.gateway.workers.slot_lease import News, SlotLease
from auricle_server.ipc.messages import StreamFailure
from auricle_server.metrics import Metrics

log = logging.getLogger(__name__)

START_SECONDS = 10.0
"""A connection takes a slot before it has said anything; it may keep it for this long."""
MOST_UNSENT = 1024
"""Events that one stream may have waiting before its socket is read no further."""
_NORMAL = 1000


class Session:
    """A stream and the client behind it.

    Args:
        seat: The slot that the stream has taken.
        token: Opens the session again after a cut; None when it cannot be opened again.
        limits: Bounds of the stream.
        metrics: Of the gateway.
        clock: Monotonic seconds.
        wake: Called when there is something to send, or room to receive.
        room: Where the sound of turns is judged; None for nowhere.

    Attributes:
        name: Names the session in logs and in `Ready`.
        token: As given.
        close_code: WebSocket code to close with after the last text; None while the conversation goes on.
        last_message: When the client was last heard, by `clock`.
    """

    def __init__(
        self,
        seat: SlotLease,
        token: str | None,
        limits: Limits,
        metrics: Metrics,
        clock: Callable[[], float],
        wake: Callable[[], None],
        room: TurnModelPool | None = None,
    ) -> None:
        self.name = secrets.token_hex(8)
        self.token = token
        self.close_code: int | None = None
        self.last_message = clock()
        self._seat = seat
        self._limits = limits
        self._metrics = metrics
        self._clock = clock
        self._wake = wake
        self._connection = ServerConnection(limits.message_bytes)
        self._room = room
        self._stream: StreamSession | None = None
        self._outgoing = OutgoingEvents(self._connection)
        self._rejoining: int | None = None
        self._figures = SessionMetrics(metrics, clock)
        self._draining = False
        seat.listener = self._on_worker

    # --- from the client ---------------------------------------------------------------------------------------------

    @property
    def has_room(self) -> bool:
        """Whether the shell may read on; False while too much waits for the worker, or for the client to read."""
        if self.close_code is not None or self._stream is None or self._rejoining is not None:
            return True
        return self._stream.has_room and len(self._outgoing) < MOST_UNSENT

    def receive_text(self, text: str) -> None:
        """A text message has come."""
        if self._rejoining is not None:
            self._welcome_back(text, self._rejoining)
        else:
            self._receive(lambda: self._connection.receive_text(text))

    def receive_binary(self, data: bytes) -> None:
        """A binary message has come."""
        if self._rejoining is not None:
            self.fail(codes.NOT_STARTED, "the first message must be a start, on every connection")
        self._receive(lambda: self._connection.receive_binary(data))

    def touch(self) -> None:
        """The client gave a sign of life."""
        self.last_message = self._clock()

    def _receive(self, read: Callable[[], list[ClientInput]]) -> None:
        self.touch()
        if self.close_code is not None or self._draining:
            return
        try:
            for message in read():
                self._dispatch(message)
        except ProtocolViolation as violation:
            self.fail(violation.code, violation.message)
        except Exception:
            log.exception("session failed session=%s", self.name)
            self.fail(codes.INTERNAL, "the server failed on this message; the failure is logged there")

    def _dispatch(self, message: ClientInput) -> None:
        match message:
            case AudioReceived():
                self._running.hear(message.pcm)
            case Finalize():
                self._running.finalize(message.id)
            case Update():
                self._running.update(message)
            case Start():
                self._start(message)
            case End():
                self._running.end()

    def _start(self, start: Start) -> None:
        self._stream = StreamSession(self, self._seat, start, self._limits, self._figures, self._room)
        self.send([self._stream.ready(self.token)])
        self._stream.warn_of(start.keyterms)

    @property
    def _running(self) -> StreamSession:
        if self._stream is None:
            raise ProtocolViolation(codes.NOT_STARTED, "the first message must be a start")
        return self._stream

    # --- after a cut -------------------------------------------------------------------------------------------------

    @property
    def done(self) -> bool:
        """Whether nothing more is to be received: once the last text is sent, the connection closes."""
        return self.close_code is not None and self._rejoining is None

    @property
    def resumable(self) -> bool:
        """Whether there is a stream to come back to, or the last words of one."""
        return self._stream is not None and self.close_code in {None, _NORMAL}

    def can_rejoin(self, seq: int) -> bool:
        """Whether a client that has had the events up to number `seq` may come back."""
        return self.resumable and self._connection.can_resume(seq)

    def rejoin(self, seq: int, wake: Callable[[], None]) -> None:
        """Another connection takes over; `can_rejoin`. Nothing is sent before its `Start` has come.

        Args:
            seq: Number of the last event that the client has had.
            wake: In place of that of the connection before.
        """
        self._rejoining, self._wake = seq, wake
        self.touch()

    def _welcome_back(self, text: str, seq: int) -> None:
        self.touch()
        assert self._stream is not None  # `can_rejoin` says so
        try:
            self._outgoing.resend(self._connection.resume(text, self._stream.ready(self.token), seq))
        except ProtocolViolation as violation:
            self.fail(violation.code, violation.message)
        else:
            self._rejoining = None
            self._metrics.resumed.inc()
            log.info("stream resumed session=%s seq=%d", self.name, seq)
        self._wake()

    # --- from the worker ---------------------------------------------------------------------------------------------

    def _on_worker(self, item: News) -> None:
        if self._stream is not None and self.close_code is None:
            self._stream.on_worker(item)
        elif isinstance(item, StreamFailure):
            self.fail(item.code, item.message)

    def finish(self) -> None:
        """The last flush is answered: either the client said `End`, or the server shuts down."""
        if self._connection.ended:
            self.close_code = _NORMAL
            self._part()  # the last words may wait for a client that comes back; the slot need not
            self._wake()
        else:
            self.fail(codes.SHUTTING_DOWN, "the server shuts down; connect again and replay from the last final")

    # --- to the client -----------------------------------------------------------------------------------------------

    def send(self, events: list[ServerEvent]) -> None:
        """Events for the client, in order."""
        self._outgoing.put(events)
        self._wake()

    def refuse(self, code: str, message: str) -> None:
        """Something that the client asked for is not done; the conversation goes on."""
        self.send([self._error(code, message, fatal=False)])

    def next_text(self) -> str | None:
        """The next text to send; None when there is none for now."""
        return self._outgoing.next_text() if self._rejoining is None else None

    def fail(self, code: str, message: str) -> None:
        """Ends the conversation with an error; the first one counts."""
        returning, self._rejoining = self._rejoining is not None, None
        if returning:
            self._outgoing.clear()  # no event may come before the answer to a `Start`
        elif self.close_code is not None:
            return
        self._outgoing.put([self._error(code, message, fatal=True)])
        self.close_code = CODES[code].close_code
        self._part()
        self._wake()

    def _error(self, code: str, message: str, *, fatal: bool) -> Error:
        audio_time = 0.0 if self._stream is None else self._stream.audio_time
        self._metrics.errors.labels(code).inc()
        log.info("error session=%s code=%s fatal=%s audio_time=%.2f", self.name, code, fatal, audio_time)
        return Error(code=code, fault=CODES[code].fault, fatal=fatal, message=message, audio_time=audio_time)

    # --- from the gateway --------------------------------------------------------------------------------------------

    def check_idle(self) -> None:
        """Ends a stream whose client has said nothing for too long; a silent microphone still sends audio."""
        most = self._limits.idle_seconds
        if self._stream is None or self._rejoining is not None:
            most = min(most, START_SECONDS)
        if self.has_room and self._clock() - self.last_message > most:
            self.fail(codes.IDLE_TIMEOUT, f"no message for {most:g} s; send audio, even silence")

    def drain(self) -> None:
        """What was said becomes final, then the stream closes with `shutting_down`."""
        if self.close_code is not None:
            return
        if self._stream is None:
            self.fail(codes.SHUTTING_DOWN, "the server shuts down; connect again")
            return
        self._draining = True
        self._stream.drain()

    def leave(self) -> None:
        """The socket is gone, or about to be: gives the slot back."""
        if self._stream is not None:
            log.info("stream left session=%s audio_seconds=%.2f", self.name, self._stream.audio_time)
        self._part()

    def _part(self) -> None:
        """Nothing is to come from the worker any more, nor from the models."""
        self._seat.leave()
        if self._stream is not None:
            self._stream.close()

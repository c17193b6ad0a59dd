"""One client's conversation, without I/O: what the socket receives goes in, what it must send comes out.

The shell feeds `receive_text` and `receive_binary`, sends what `next_text` returns whenever `wake` was called, and
closes with `close_code` once the session is `done` and nothing is left to send. When the connection is cut, another
shell may take the session over: `rejoin`.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from dataclasses import replace

from auricle.protocol import codes
from auricle.protocol.codes import CODES, ProtocolViolation
from auricle.protocol.connection import ClientInput, ServerConnection
from auricle.protocol.messages import (
    End,
    Error,
    Finalize,
    Limits,
    Ready,
    ServerEvent,
    Start,
    Update,
)
from auricle.protocol.states import AudioReceived
from auricle_server.gateway.audio_in import AudioIn
from auricle_server.gateway.figures import Figures
from auricle_server.gateway.hearing import Hearing, HearingRoom
from auricle_server.gateway.outgoing import Outgoing
from auricle_server.gateway.seat import News, Seat
from auricle_server.link.columns import ChunkResult
from auricle_server.link.messages import ChangeRefused, RefineChanged, StreamFailed
from auricle_server.metrics import Metrics
from auricle_server.stream import Change, Stream
from auricle_server.turns import Voice

log = logging.getLogger(__name__)

START_SECONDS = 10.0
"""A connection takes a slot before it has said anything; it may keep it for this long."""
MOST_UNANSWERED = 256
MOST_UNSENT = 1024
"""Finalizes and events that one stream may have waiting before its socket is read no further."""
_SAMPLE_BYTES = 2
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
        seat: Seat,
        token: str | None,
        limits: Limits,
        metrics: Metrics,
        clock: Callable[[], float],
        wake: Callable[[], None],
        room: HearingRoom | None = None,
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
        self._stream: Stream | None = None
        self._audio: AudioIn | None = None
        self._hearing = Hearing(room, self._on_result)
        self._outgoing = Outgoing(self._connection)
        self._rejoining: int | None = None
        self._figures = Figures(metrics, clock)
        self._draining = False
        # A stream must always be able to collect two chunks, whatever the limit says.
        self._most_backlog = max(limits.buffered_seconds, 2 * max(seat.info.latencies_ms) / 1000)
        seat.listener = self._on_worker

    # --- from the client ---------------------------------------------------------------------------------------------

    @property
    def has_room(self) -> bool:
        """Whether the shell may read on; False while too much waits for the worker, or for the client to read."""
        if self.close_code is not None or self._stream is None or self._rejoining is not None:
            return True
        return (
            self._stream.backlog_seconds < self._most_backlog
            and self._stream.unanswered < MOST_UNANSWERED
            and len(self._outgoing) < MOST_UNSENT
        )

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
                self._hear(message.pcm)
            case Finalize():
                self._finalize(message.id)
            case Update():
                self._update(message)
            case Start():
                self._start(message)
            case End():
                self._end()

    def _start(self, start: Start) -> None:
        stream = Stream(self._seat.info, start, self.name)
        self._audio = AudioIn(start.encoding, start.sample_rate)
        self._stream = stream
        self._hearing.follow(start.turn.mode)
        # The seat was taken for one latency, and in the model's default language, before the start was known.
        latency_ms = None if stream.latency_ms == self._seat.latency_ms else stream.latency_ms
        refine = None if start.refine == "off" else start.refine
        self._seat.change(Change(latency_ms, start.language, refine), starting=True)
        self._send([self._ready(stream)])
        log.info("stream started session=%s latency_ms=%d turn=%s", self.name, stream.latency_ms, start.turn.mode)

    def _ready(self, stream: Stream) -> Ready:
        delay = 0.0 if self._audio is None else self._audio.delay_seconds
        ready = stream.ready(self._limits, input_delay=delay, resume_token=self.token)
        return replace(ready, turn_signals=self._hearing.signals)

    def _hear(self, data: bytes) -> None:
        stream, audio = self._running
        self._push(stream, audio.decode(data))
        if stream.heard_seconds > self._limits.stream_seconds:
            raise ProtocolViolation(
                codes.STREAM_TOO_LONG, f"a stream may last {self._limits.stream_seconds:g} s; open another"
            )

    def _push(self, stream: Stream, pcm: bytes) -> None:
        if pcm:
            samples = len(pcm) // _SAMPLE_BYTES
            stream.hear(samples)
            self._seat.audio(pcm)
            self._hearing.hear(pcm)

    def _finalize(self, finalize_id: str) -> None:
        stream, audio = self._running
        self._push(stream, audio.flush())
        self._figures.ask(finalize_id)
        mark = stream.finalize(finalize_id)
        if mark is not None:
            self._seat.flush(mark)

    def _update(self, update: Update) -> None:
        stream, _ = self._running
        try:
            self._seat.change(stream.update(update))
        except ProtocolViolation as violation:
            self._send([self._error(violation.code, violation.message, fatal=False)])
        else:
            if update.turn is not None:
                self._hearing.follow(update.turn.mode)

    def _end(self) -> None:
        stream, audio = self._running
        self._push(stream, audio.flush())
        self._seat.flush(stream.end(), last=True)

    @property
    def _running(self) -> tuple[Stream, AudioIn]:
        if self._stream is None or self._audio is None:
            raise ProtocolViolation(codes.NOT_STARTED, "the first message must be a start")
        return self._stream, self._audio

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
            self._outgoing.resend(self._connection.resume(text, self._ready(self._stream), seq))
        except ProtocolViolation as violation:
            self.fail(violation.code, violation.message)
        else:
            self._rejoining = None
            self._metrics.resumed.inc()
            log.info("stream resumed session=%s seq=%d", self.name, seq)
        self._wake()

    # --- from the worker ---------------------------------------------------------------------------------------------

    def _on_worker(self, item: News) -> None:
        if self._stream is None or self.close_code is not None:
            if isinstance(item, StreamFailed):
                self.fail(item.code, item.message)
            return
        match item:
            case ChunkResult(refined=True) | RefineChanged():
                self._on_result(item, None)
            case ChunkResult():
                # Who asked for a final has it at once; who has said all waits for a turn end that is judged well.
                self._hearing.take(item, patient=item.mark is None or self._connection.ended)
            case ChangeRefused():
                self._send([self._error(codes.SERVER_FULL, item.message, fatal=False)])
            case StreamFailed():
                self._hearing.give_up()
                self.fail(item.code if item.code in CODES else codes.INTERNAL, item.message)

    def _on_result(self, result: ChunkResult | RefineChanged, voice: Voice | None) -> int:
        stream, _ = self._running
        try:
            self._on_chunk(stream, result, voice)
        except Exception:
            log.exception("session failed session=%s", self.name)
            self.fail(codes.INTERNAL, "the server failed on this stream; the failure is logged there")
        return stream.turn_ended_at

    def _on_chunk(self, stream: Stream, result: ChunkResult | RefineChanged, voice: Voice | None) -> None:
        before = stream.audio_time
        events = stream.on_result(result, voice)
        if stream.asks_second():
            self._seat.flush_second()
        self._figures.observe(events, stream.audio_time - before)
        self._send(events)
        if stream.over:
            self._finish()

    def _finish(self) -> None:
        """The last flush is answered: either the client said `End`, or the server shuts down."""
        if self._connection.ended:
            self.close_code = _NORMAL
            self._part()  # the last words may wait for a client that comes back; the slot need not
            self._wake()
        else:
            self.fail(codes.SHUTTING_DOWN, "the server shuts down; connect again and replay from the last final")

    # --- to the client -----------------------------------------------------------------------------------------------

    def _send(self, events: list[ServerEvent]) -> None:
        self._outgoing.put(events)
        self._wake()

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
        if self._stream is None or self._audio is None:
            self.fail(codes.SHUTTING_DOWN, "the server shuts down; connect again")
            return
        if not self._connection.ended:
            self._push(self._stream, self._audio.flush())
        self._draining = True
        mark = self._stream.drain()
        if mark is not None:
            self._seat.flush(mark, last=True)

    def leave(self) -> None:
        """The socket is gone, or about to be: gives the slot back."""
        if self._stream is not None:
            log.info("stream left session=%s audio_seconds=%.2f", self.name, self._stream.audio_time)
        self._part()

    def _part(self) -> None:
        """Nothing is to come from the worker any more, nor from the models."""
        self._seat.leave()
        self._hearing.close()

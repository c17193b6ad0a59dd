"""A stream that has started: what its client says goes to the worker and the models, what they find to the client."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Protocol

from auricle.protocol import codes
from auricle.protocol.client_messages import Start, Update
from auricle.protocol.codes import CODES, ProtocolViolation
from auricle.protocol.server_messages import Limits, Ready, ServerEvent
from auricle_server.gateway.audio.audio_turn_signals import AudioTurnSignals, TurnModelPool
from auricle_server.gateway.audio.decode import AudioDecoder
from auricle_server.gateway.session.session_metrics import SessionMetrics
from auricle_server.gateway.workers.slot_lease import News, SlotLease
from auricle_server.ipc.columns import ChunkResult
from auricle_server.ipc.messages import SecondPassChanged, SettingsUpdate, StreamFailure, UpdateRefused
from auricle_server.stream.key_terms import unwritable_notice
from auricle_server.stream.stream_state import StreamState
from auricle_server.turns import VoiceSignals

log = logging.getLogger(__name__)

OFFLINE_BACKLOG = 30.0
"""Seconds of audio that may wait of a stream nobody listens to live: it is computed in long stretches."""
MOST_UNANSWERED = 256
"""Finalizes that one stream may have waiting before its socket is read no further."""
_SAMPLE_BYTES = 2


class Client(Protocol):
    """Who is told; see `auricle_server.gateway.session.session.Session`."""

    name: str

    def send(self, events: list[ServerEvent]) -> None:
        """Events, in order."""
        ...

    def refuse(self, code: str, message: str) -> None:
        """Something that was asked for is not done; the stream goes on as it was."""
        ...

    def fail(self, code: str, message: str) -> None:
        """The stream is over, for that reason."""
        ...

    def finish(self) -> None:
        """The last flush is answered; nothing follows."""
        ...


class StreamSession:
    """From its start to its last word.

    Args:
        client: Who is told.
        seat: The slot that the stream has taken.
        start: What the client asks for.
        limits: Bounds of the stream.
        figures: What its events add to the gateway's metrics.
        room: Where the sound of turns is judged; None for nowhere.

    Raises:
        ProtocolViolation: The model cannot serve what the client asks for.
    """

    def __init__(
        self,
        client: Client,
        seat: SlotLease,
        start: Start,
        limits: Limits,
        figures: SessionMetrics,
        room: TurnModelPool | None,
    ) -> None:
        self._client = client
        self._seat = seat
        self._limits = limits
        self._figures = figures
        self._stream = stream = StreamState(seat.info, start, client.name, limits)
        self._audio = AudioDecoder(start.encoding, start.sample_rate)
        self._hearing = AudioTurnSignals(room, self._on_result)
        self._ended = False
        # A stream must always be able to collect two chunks, whatever the limit says.
        self._most_backlog = max(limits.buffered_seconds, 2 * max(seat.info.latencies_ms) / 1000)
        if start.offline:
            self._most_backlog = max(self._most_backlog, OFFLINE_BACKLOG)
        self._hearing.follow(start.turn.mode)
        # The seat was taken for one latency, and in the model's default language, before the start was known.
        latency_ms = None if stream.latency_ms == seat.latency_ms else stream.latency_ms
        language = None if start.language is None else stream.language
        refine = None if start.refine == "off" else start.refine
        seat.change(SettingsUpdate(latency_ms, language, refine, start.offline, start.keyterms or None), starting=True)
        log.info("stream started session=%s latency_ms=%d turn=%s", client.name, stream.latency_ms, start.turn.mode)

    @property
    def has_room(self) -> bool:
        """Whether more may come from the client; False while too much waits for the worker."""
        return self._stream.backlog_seconds < self._most_backlog and self._stream.unanswered < MOST_UNANSWERED

    @property
    def audio_time(self) -> float:
        """Seconds of audio on which the last result rested."""
        return self._stream.audio_time

    def ready(self, resume_token: str | None) -> Ready:
        """The answer to the client's `Start`, on every connection.

        Args:
            resume_token: Opens the stream again after a cut.
        """
        ready = self._stream.ready(self._limits, input_delay=self._audio.delay_seconds, resume_token=resume_token)
        return replace(ready, turn_signals=self._hearing.signals)

    # --- what the client says ----------------------------------------------------------------------------------------

    def hear(self, data: bytes) -> None:
        """Audio, as the client encodes it.

        Raises:
            ProtocolViolation: The stream has become too long.
        """
        self._push(self._audio.decode(data))
        if self._stream.heard_seconds > self._limits.stream_seconds:
            raise ProtocolViolation(
                codes.STREAM_TOO_LONG, f"a stream may last {self._limits.stream_seconds:g} s; open another"
            )

    def _push(self, pcm: bytes) -> None:
        if pcm:
            self._stream.hear(len(pcm) // _SAMPLE_BYTES)
            self._seat.audio(pcm)
            self._hearing.hear(pcm)

    def finalize(self, finalize_id: str) -> None:
        """Everything said so far becomes final."""
        self._push(self._audio.flush())
        self._figures.ask(finalize_id)
        mark = self._stream.finalize(finalize_id)
        if mark is not None:
            self._seat.flush(mark)

    def update(self, update: Update) -> None:
        """Other settings from the next chunk on."""
        try:
            self._seat.change(self._stream.update(update))
        except ProtocolViolation as violation:
            self._client.refuse(violation.code, violation.message)
        else:
            self.warn_of(update.keyterms or ())
            if update.turn is not None:
                self._hearing.follow(update.turn.mode)

    def warn_of(self, keyterms: tuple[str, ...]) -> None:
        """Names the key terms that do no good."""
        message = unwritable_notice(keyterms, self._seat.info)
        if message is not None:
            self._client.refuse(codes.UNWRITABLE_KEYTERMS, message)

    def end(self) -> None:
        """No more audio will come."""
        self._ended = True
        self._push(self._audio.flush())
        self._seat.flush(self._stream.end(), last=True)

    # --- what the worker and the models find -------------------------------------------------------------------------

    def on_worker(self, item: News) -> None:
        """News from the worker."""
        match item:
            case ChunkResult(refined=True) | SecondPassChanged():
                self._on_result(item, None)
            case ChunkResult():
                # Who asked for a final has it at once; who has said all waits for a turn end that is judged well.
                self._hearing.take(item, patient=item.mark is None or self._ended)
            case UpdateRefused():
                if item.asked_ms is not None and item.latency_ms is not None:
                    self._stream.stay_at(item.latency_ms, asked_ms=item.asked_ms)
                self._client.refuse(codes.SERVER_FULL, item.message)
            case StreamFailure():
                self._hearing.give_up()
                self._client.fail(item.code if item.code in CODES else codes.INTERNAL, item.message)

    def _on_result(self, result: ChunkResult | SecondPassChanged, voice: VoiceSignals | None) -> int:
        try:
            self._tell(result, voice)
        except Exception:
            log.exception("session failed session=%s", self._client.name)
            self._client.fail(codes.INTERNAL, "the server failed on this stream; the failure is logged there")
        return self._stream.turn_ended_at

    def _tell(self, result: ChunkResult | SecondPassChanged, voice: VoiceSignals | None) -> None:
        stream = self._stream
        before = stream.audio_time
        events = stream.on_result(result, voice)
        if stream.asks_second():
            self._seat.flush_second()
        self._figures.observe(events, stream.audio_time - before)
        self._client.send(events)
        if stream.over:
            self._client.finish()

    # --- what the gateway wants --------------------------------------------------------------------------------------

    def drain(self) -> None:
        """What was said becomes final; nothing follows it."""
        if not self._ended:
            self._push(self._audio.flush())
        mark = self._stream.drain()
        if mark is not None:
            self._seat.flush(mark, last=True)

    def close(self) -> None:
        """Nothing is to come from the models any more."""
        self._hearing.close()

"""A stream that has started: what its client sends goes to the worker, what the worker finds becomes events.

Every method that may have something for the client returns it. The last event of a stream is either the answer to its
end, after which `over` holds, or a fatal `Error`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

from auricle.protocol import codes
from auricle.protocol.client_messages import Start, Update
from auricle.protocol.codes import CODES, ProtocolViolation
from auricle.protocol.server_messages import Error, Limits, Ready, ServerEvent
from auricle.protocol.settings import TurnSettings
from auricle_server.gateway.audio.audio_turn_signals import AudioTurnSignals
from auricle_server.gateway.audio.decode import AudioDecoder
from auricle_server.gateway.audio.turn_model_pool import WORD_SIGNALS, TurnModelPool
from auricle_server.gateway.session.notices import error_event, keyterms_event, settings_notices
from auricle_server.gateway.workers.slot_lease import SlotLease, StreamItem
from auricle_server.ipc.columns import ChunkResult
from auricle_server.ipc.messages import (
    SAMPLE_RATE,
    KeytermsPrepared,
    SecondPassChanged,
    SettingsUpdate,
    StreamFailure,
    UpdateRefused,
)
from auricle_server.stream.stream_state import StreamState
from auricle_server.turns import VoiceSignals

log = logging.getLogger(__name__)

OFFLINE_BACKLOG = 30.0
"""Seconds of audio of an offline stream that may wait for the worker: it is computed in long stretches."""
WATCHED_BACKLOG = 2.24
"""The same of a stream whose speech is watched: audio that the engine has decoded long before the watch looks at it is
no longer kept. Two of the longest chunks of the published models."""
MAX_UNANSWERED = 256
"""Finalizes of one stream that may wait for their final before its socket is read no further."""
_SAMPLE_BYTES = 2


class StreamSession:
    """One stream from its start to its last word.

    Args:
        name: Names the session in logs and in `Ready`.
        lease: The slot that the stream has taken.
        start: What the client asks for.
        limits: Bounds of the stream.
        turn_models: Judge turns by their sound; None for by their words alone.
        on_signals: Called when `collect` may have events that waited for these models.

    Raises:
        ProtocolViolation: The model cannot serve what the client asks for.
    """

    def __init__(
        self,
        name: str,
        lease: SlotLease,
        start: Start,
        limits: Limits,
        turn_models: TurnModelPool | None,
        on_signals: Callable[[], None],
    ) -> None:
        self._name = name
        self._lease = lease
        self._start = start
        self._limits = limits
        self._turn_models = turn_models
        self._on_signals = on_signals
        self._state = state = StreamState(lease.info, start, name, limits)
        self._decoder = None if AudioDecoder.passes(start) else AudioDecoder(start.encoding, start.sample_rate)
        """None for 16 kHz PCM, which needs no decoding."""
        self._signals: AudioTurnSignals | None = None
        """None unless the turn settings or a cure need the sound and there are models for it: results go straight to
        the state."""
        self._ended, self._failed, self._held_back = False, False, 0
        # A stream must always be able to collect two chunks, whatever the limit says.
        least = max(OFFLINE_BACKLOG if start.offline else 0.0, 2 * max(lease.info.latencies_ms) / 1000)
        self._max_backlog = max(limits.buffered_seconds, least)
        self._watches = lease.info.cures.watch_seconds > 0 and not start.offline
        self._follow(start.turn)
        # The slot was reserved before the start had come: for one latency, and in the model's default language.
        settings = SettingsUpdate(
            latency_ms=None if state.latency_ms == lease.latency_ms else state.latency_ms,
            language=None if start.language is None else state.language,
            refine=None if start.refine == "off" else start.refine,
            offline=start.offline,
            keyterms=start.keyterms or None,
        )
        lease.update(settings, starting=True)
        log.info("stream started session=%s latency_ms=%d turn=%s", name, state.latency_ms, start.turn.mode)

    @property
    def accepts_input(self) -> bool:
        """Whether more may come from the client; False while too much waits for the worker."""
        watched = self._watches and self._signals is not None  # without the sound there is no watch
        most = min(self._max_backlog, WATCHED_BACKLOG) if watched else self._max_backlog
        return self._state.backlog_seconds < most and self._state.unanswered < MAX_UNANSWERED

    @property
    def audio_time(self) -> float:
        """Seconds of audio on which the last result rested."""
        return self._state.audio_time

    @property
    def over(self) -> bool:
        """Whether the last flush is answered, after the client's `End` or `drain`; nothing follows."""
        return self._state.over

    def ready(self, resume_token: str | None) -> Ready:
        """The answer to the client's `Start`, on every connection.

        Args:
            resume_token: Opens the stream again after a cut.
        """
        delay = 0.0 if self._decoder is None else self._decoder.delay_seconds
        ready = self._state.ready(self._limits, input_delay=delay, resume_token=resume_token)
        signals = WORD_SIGNALS if self._turn_models is None else self._turn_models.signals
        return replace(ready, turn_signals=signals)

    # --- from the client ---------------------------------------------------------------------------------------------

    def receive_audio(self, data: bytes) -> None:
        """Takes audio as the client encodes it: whole samples, which the connection has checked.

        Raises:
            ProtocolViolation: The stream has become too long.
        """
        self._send_audio(data if self._decoder is None else self._decoder.decode(data))
        if self._state.received_seconds > self._limits.stream_seconds:
            message = f"a stream may last {self._limits.stream_seconds:g} s; open another"
            raise ProtocolViolation(codes.STREAM_TOO_LONG, message)

    def _send_audio(self, pcm: bytes) -> None:
        if pcm:
            self._state.count_audio(len(pcm) // _SAMPLE_BYTES)
            self._lease.send_audio(pcm)
            if self._signals is not None:
                self._signals.receive_audio(pcm)

    def _flush_input(self) -> None:
        """Before a flush of the worker: all audio goes there, and its sound is analysed meanwhile."""
        if self._decoder is not None:
            self._send_audio(self._decoder.flush())
        if self._signals is not None:
            self._signals.hurry()

    def finalize(self, finalize_id: str, *, ends_turn: bool = False) -> None:
        """Makes everything said so far final; with `ends_turn` the turn that is open by then ends, too."""
        # The resampler holds back half a filter, in which the last word may end.
        self._flush_input()
        if (mark := self._state.finalize(finalize_id, ends_turn=ends_turn)) is not None:
            self._lease.flush(mark)

    def update(self, update: Update) -> list[ServerEvent]:
        """Updates settings from the next chunk on; the stream goes on with the old ones when they are refused."""
        language = self._state.language
        try:
            self._lease.update(self._state.update(update))
        except ProtocolViolation as violation:
            return [self._error(violation.code, violation.message)]
        changed = None if self._state.language == language else self._state.language
        events = self._notices(update.keyterms or (), changed)
        return events if update.turn is None else events + self._follow(update.turn)

    def start_notices(self) -> list[ServerEvent]:
        """What to expect of the settings in the client's `Start`."""
        return self._notices(self._start.keyterms, self._state.language)

    def _notices(self, keyterms: tuple[str, ...], language: str | None) -> list[ServerEvent]:
        return settings_notices(keyterms, language, self._lease.info, self.audio_time)

    def end(self) -> None:
        """The client sends no more audio."""
        self._ended = True
        self._flush_input()
        self._lease.flush(self._state.end(), last=True)

    # --- from the worker ---------------------------------------------------------------------------------------------

    def on_worker(self, item: StreamItem) -> list[ServerEvent]:
        """The events that an item of the worker brings."""
        if isinstance(item, ChunkResult):
            if self._signals is None or item.refined:
                return self._apply(item, None)
            self._signals.add(item, urgent=self._may_decide(item))
            # The answer to a finalize goes out at once. After `End` no client waits for a reply: the last turn's end
            # may take the time that a good judgement takes.
            return self._collect(self._signals, wait=item.mark is None or self._ended) or []
        match item:
            case SecondPassChanged():
                return self._apply(item, None)
            case KeytermsPrepared():
                return [keyterms_event(item, self.audio_time)]
            case UpdateRefused():
                if item.asked_ms is not None and item.latency_ms is not None:
                    self._state.keep_latency(item.latency_ms, refused_ms=item.asked_ms)
                return [self._error(codes.SERVER_FULL, item.message)]
            case StreamFailure():
                events = self._stop_signals()
                code = item.code if item.code in CODES else codes.INTERNAL
                return events if self._closed else [*events, self._error(code, item.message, fatal=True)]

    def _may_decide(self, result: ChunkResult) -> bool:
        """Whether the sound may decide something with this result: about a turn or a voice, or for a cure."""
        word = bool(result.tokens) or result.mark is not None or self._start.signals
        return word or self._state.turn_may_be_open or self._state.hears_voice or self._lease.info.cures.use_voice

    def _apply(self, result: ChunkResult | SecondPassChanged, voice: VoiceSignals | None) -> list[ServerEvent]:
        try:
            events = self._state.on_result(result, voice)
            if self._state.needs_second_pass_flush():
                self._lease.flush_second_pass()
            self._apply_cures()
        except Exception:
            log.exception("session failed session=%s", self._name)
            self._failed = True
            message = "the server failed on this stream; the failure is logged there"
            return [self._error(codes.INTERNAL, message, fatal=True)]
        return events

    def _apply_cures(self) -> None:
        since, held_back = self._state.decode_again(), self._state.held_back
        if since is not None:
            self._lease.decode_again(since)
            log.info("speech without a word session=%s since=%.2f", self._name, since / SAMPLE_RATE)
        if self._turn_models is not None and (since is not None or held_back != self._held_back):
            self._turn_models.metrics.speech_without_words.inc(since is not None)
            self._turn_models.metrics.words_held_back.inc(held_back - self._held_back)
            self._held_back = held_back

    @property
    def _closed(self) -> bool:
        return self._failed or self.over

    # --- from the turn models ----------------------------------------------------------------------------------------

    def collect(self) -> list[ServerEvent] | None:
        """The events of the results that no longer wait for the turn models; None while all of them wait."""
        return None if self._signals is None else self._collect(self._signals, wait=True)

    def _collect(self, signals: AudioTurnSignals, *, wait: bool) -> list[ServerEvent] | None:
        events: list[ServerEvent] | None = None
        while not self._closed and (ready := signals.pop_ready(wait=wait)) is not None:
            events = (events or []) + self._apply(*ready)
            signals.end_turn(self._state.turn_ended_at)
        return events

    def _follow(self, turn: TurnSettings) -> list[ServerEvent]:
        """Analyses the sound from here on if the turn settings or a cure need it, and no longer if none does."""
        pool, judges = self._turn_models, turn.mode == "semantic"
        needed = judges or turn.no_words or self._start.signals or self._lease.info.cures.need_voice
        if pool is None or not pool.found.signals or not needed:
            return self._stop_signals()
        if self._signals is not None and self._signals.judges == judges:
            return []
        events = self._stop_signals()
        position, turn_ended_at = self._state.received_samples, self._state.turn_ended_at
        self._signals = AudioTurnSignals(pool, position, turn_ended_at, self._on_signals, judges=judges)
        return events

    def _stop_signals(self) -> list[ServerEvent]:
        """The events of the results that waited; they do without the sound."""
        events: list[ServerEvent] = []
        if self._signals is not None:
            waiting, self._signals = self._signals.close(), None
            for result in waiting:
                if not self._closed:
                    events += self._apply(result, None)
        return events

    # --- from the gateway --------------------------------------------------------------------------------------------

    def drain(self) -> None:
        """Makes what was said final, as the last the stream does."""
        if not self._ended:
            self._flush_input()
        if (mark := self._state.drain()) is not None:
            self._lease.flush(mark, last=True)

    def settle(self) -> list[ServerEvent]:
        """The last events of a stream whose worker does not answer `drain` in time; after `End` only all counts."""
        events = [] if self._ended else self._stop_signals()
        return events if self._ended or self._closed else events + self._state.settle()

    def close(self) -> None:
        """Stops the models; results that wait for them are dropped."""
        if self._signals is not None:
            self._signals.close()

    def _error(self, code: str, message: str, *, fatal: bool = False) -> Error:
        return error_event(code, message, self.audio_time, fatal=fatal)

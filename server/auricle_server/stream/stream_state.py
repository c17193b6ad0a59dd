"""One speaker's stream: results of the worker in, events for the client out. Pure: no clock but the audio's.

Order within a chunk: `Signals`, `SpeechStarted`, `Interim` (when the text grew and no final follows at once),
`TurnResumed`, `TurnEagerEnd`, the `Final`s, `TurnEnd`, `NoWords`. Positions are samples at 16 kHz inside and seconds
outside.

With a second pass (see `auricle_server.stream.second_pass`) a segment that ends waits for the second pass's words.
Results that come meanwhile wait in a queue, so nothing else depends on how long that takes.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from auricle.protocol import codes
from auricle.protocol.audio_positions import ChunkGrid
from auricle.protocol.client_messages import Start, Update
from auricle.protocol.codes import ProtocolViolation
from auricle.protocol.server_messages import Limits, Ready, ServerEvent
from auricle.protocol.settings import TurnSettings
from auricle_server.ipc.columns import ChunkResult
from auricle_server.ipc.messages import SAMPLE_RATE, SecondPassChanged, SettingsUpdate
from auricle_server.model_info import ModelInfo
from auricle_server.stream.formatted_events import EventFormatter
from auricle_server.stream.segment_end import FlushReason, PendingFlush, PendingFlushes, SegmentEnd
from auricle_server.stream.segmenter import Segmenter
from auricle_server.stream.settings_checks import check_keyterms, check_settings
from auricle_server.stream.signals import signals_of
from auricle_server.turns import TurnEnded, VoiceSignals


class StreamState:
    """The state of one stream.

    Args:
        info: The model that serves it.
        start: What the client asks for.
        session: Names the stream in `Ready`.
        limits: Bounds of the stream; None allows no key terms.

    Attributes:
        latency_ms: Chunk latency in force.
        unanswered: Finalizes whose final has not been made yet.

    Raises:
        ProtocolViolation: The model cannot serve what the client asks for.
    """

    def __init__(self, info: ModelInfo, start: Start, session: str, limits: Limits | None = None) -> None:
        language = check_settings(info, start.latency_ms, start.language)
        check_keyterms(start.keyterms, limits)
        self._limits = limits
        self.latency_ms = max(info.latencies_ms) if start.offline else start.latency_ms or info.default_latency_ms
        self._offline = start.offline
        self.unanswered = 0
        self._info = info
        self._session = session
        self._chunks_moved = False
        self._formatter = EventFormatter(start.text_format)
        self._tells_signals = start.signals
        self._segmenter = Segmenter(info, replace(start, language=language))
        self._received = 0
        self._pending_flushes = PendingFlushes()
        self._pending_end: SegmentEnd | None = None
        """The end of the open segment, while it waits for the second pass."""
        self._queue: deque[tuple[ChunkResult, VoiceSignals | None] | TurnSettings] = deque()
        """Results, and other turn settings, that wait for that end."""
        self._flush_second_pass = False
        self._decode_again: int | None = None

    @property
    def over(self) -> bool:
        """Whether `end` or `drain` is answered; nothing follows."""
        return self._segmenter.over

    @property
    def language(self) -> str:
        """The language in force, one of the model's."""
        return self._segmenter.asked.language

    @property
    def turn_ended_at(self) -> int:
        """Audio position on which the last turn's end was decided, even if its `TurnEnd` still waits; 0 before any."""
        return self._segmenter.turn_ended_at

    @property
    def turn_may_be_open(self) -> bool:
        """Whether a turn is open, or may be after the results that wait for the second pass."""
        return bool(self._queue) or self._pending_end is not None or self._segmenter.detector.open

    @property
    def hears_voice(self) -> bool:
        """Whether a voice is heard, or was, of which it is not known yet whether it has words."""
        return self._segmenter.no_words.hears_voice

    @property
    def held_back(self) -> int:
        """Words that were held back as noise."""
        return self._segmenter.held_back

    @property
    def audio_time(self) -> float:
        """Seconds of audio on which the last result rested."""
        return self._segmenter.audio_time

    @property
    def received_samples(self) -> int:
        """Samples at 16 kHz that have come from the client."""
        return self._received

    @property
    def received_seconds(self) -> float:
        """Seconds of audio that have come from the client."""
        return self._received / SAMPLE_RATE

    @property
    def backlog_seconds(self) -> float:
        """Seconds of audio that have come, and on which no result rests yet."""
        return (self._received - self._segmenter.position) / SAMPLE_RATE

    def ready(self, limits: Limits, *, input_delay: float = 0.0, resume_token: str | None = None) -> Ready:
        """The answer to the client's `Start`.

        Args:
            limits: Bounds of the stream.
            input_delay: Seconds by which the gateway delays the audio, to resample it.
            resume_token: Opens the stream again after a cut.
        """
        info = self._info
        return Ready(
            session=self._session,
            model=info.name,
            latencies_ms=info.latencies_ms,
            languages=info.languages,
            latency_ms=self.latency_ms,
            language=self.language,
            limits=limits,
            chunks=None if self._chunks_moved else self._chunks(input_delay),
            resume_token=resume_token,
        )

    def _chunks(self, input_delay: float) -> ChunkGrid:
        # The first chunk of R + 1 encoder frames is complete after R frames and the lookahead of the last one, each
        # later one R + 1 frames after it; in NeMo, 1 + 8 R mel frames, then 8 (R + 1).
        step = self.latency_ms / 1000
        return ChunkGrid(step - self._info.frame_seconds + self._info.lookahead_seconds + input_delay, step)

    # --- from the client ---------------------------------------------------------------------------------------------

    def count_audio(self, samples: int) -> None:
        """Notes that so many samples have been sent to the worker."""
        self._received += samples

    def update(self, update: Update) -> SettingsUpdate:
        """Takes settings for the next chunk on; returns those that the worker must apply.

        An open turn goes on with the new thresholds, and by the new rule. When turns are switched on or off, words that
        wait for their final still get it, but a turn whose words are all final ends without a `TurnEnd`.

        Raises:
            ProtocolViolation: The model cannot serve them; nothing has changed.
        """
        language = check_settings(self._info, update.latency_ms, update.language)
        check_keyterms(update.keyterms or (), self._limits)
        if self._offline and update.latency_ms not in (None, self.latency_ms):
            raise ProtocolViolation(codes.UNSUPPORTED_LATENCY, f"an offline stream stays at {self.latency_ms} ms")
        if update.turn is not None and self._pending_end is not None:
            # After the results that came before it: a slow second pass must not change which chunks it holds for.
            self._queue.append(update.turn)
        elif update.turn is not None:
            self._segmenter.change_turn(update.turn)
        if language is not None:
            self._segmenter.change_language(language, self._received)
        if update.text_format is not None:
            self._formatter.change(update.text_format)
        # After a change of latency chunks no longer end where `Ready` would say.
        self._chunks_moved |= update.latency_ms not in {None, self.latency_ms}
        self.latency_ms = update.latency_ms or self.latency_ms
        self._segmenter.change_latency(self.latency_ms)
        return SettingsUpdate(update.latency_ms, language, update.refine, keyterms=update.keyterms)

    def keep_latency(self, latency_ms: int, *, refused_ms: int) -> None:
        """The worker has refused a latency and keeps the old one; a newer update in between still counts."""
        if self.latency_ms == refused_ms:
            self.latency_ms = latency_ms
            self._segmenter.change_latency(latency_ms)

    def finalize(self, finalize_id: str, *, ends_turn: bool = False) -> int | None:
        """Makes everything said so far final.

        Args:
            finalize_id: Of the answer.
            ends_turn: Whether the turn that is open by then ends, too.

        Returns:
            The mark to flush with; None when the previous flush will answer both, as no audio lies between.
        """
        self.unanswered += 1
        return self._pending_flushes.finalize(self._received, finalize_id, ends_turn=ends_turn)

    def end(self) -> int:
        """The client sends no more audio. Returns the mark of the last flush."""
        return self._pending_flushes.ask(FlushReason.END, self._received)

    def drain(self) -> int | None:
        """The server shuts down: the words said become final, but an open turn does not end.

        Returns:
            The mark of the last flush; None when that has been asked for already.
        """
        ends = self._pending_end is not None and self._pending_end.last
        over = self.over or ends or self._pending_flushes.last_is_final
        return None if over else self._pending_flushes.ask(FlushReason.DRAIN, self._received)

    def settle(self) -> list[ServerEvent]:
        """Makes final what the results so far show: `drain` for a stream whose worker does not answer in time."""
        self._segmenter.second.close()
        events, flush = self._process_queue(), PendingFlush(FlushReason.DRAIN, self._received, [])
        end = None if self.over else self._segmenter.end_by_flush(None, flush, None)
        return self._formatter.formatted(events if end is None else events + self._end_segment(end))

    # --- from the worker ---------------------------------------------------------------------------------------------

    def on_result(
        self, result: ChunkResult | SecondPassChanged, voice: VoiceSignals | None = None
    ) -> list[ServerEvent]:
        """The events that a result brings, or a change of the second pass.

        Args:
            result: Of the first or the second pass.
            voice: What the sound says at `result.samples`; None where it is not analysed, and for the second pass.
        """
        second = self._segmenter.second
        if isinstance(result, SecondPassChanged):
            second.open(result.base) if result.active else second.close()
        elif result.refined:
            second.add(result)
        else:
            self._queue.append((result, voice))
        return self._formatter.formatted(self._process_queue())

    def needs_second_pass_flush(self) -> bool:
        """Whether the worker must flush the second pass, so that a segment can end; true once for each."""
        needed, self._flush_second_pass = self._flush_second_pass, False
        return needed

    def decode_again(self) -> int | None:
        """Sample from which the worker must decode the audio again; not None once for each time."""
        since, self._decode_again = self._decode_again, None
        return since

    def _process_queue(self) -> list[ServerEvent]:
        events: list[ServerEvent] = []
        while True:
            if self._pending_end is not None:
                if not self._segmenter.second.knows(self._pending_end):
                    return events
                events += self._end_segment(self._pending_end)
            elif not self._queue:
                return events
            else:
                events += self._process(self._queue.popleft())

    def _process(self, queued: tuple[ChunkResult, VoiceSignals | None] | TurnSettings) -> list[ServerEvent]:
        if isinstance(queued, TurnSettings):
            self._segmenter.change_turn(queued)
            return []
        result, voice = queued
        events, end = self._segmenter.add(result, voice)
        self._decode_again = self._segmenter.decode_again
        if self._tells_signals and result.mark is None:
            events.insert(0, signals_of(self._segmenter.audio_time, self._segmenter.detector, voice))
        self._pending_end = self._end_by_flush(result.mark, end) or self._end_by_rule(end, quiet=not result.tokens)
        if self._pending_end is None:
            return events + self._segmenter.continue_segment() + self._settle_silence()
        return events

    def _end_by_flush(self, mark: int | None, end: TurnEnded | None) -> SegmentEnd | None:
        flush = None if mark is None else self._pending_flushes.answer(mark)
        return None if flush is None else self._segmenter.end_by_flush(mark, flush, end)

    def _end_by_rule(self, end: TurnEnded | None, *, quiet: bool) -> SegmentEnd | None:
        segment_end = None if self.over else self._segmenter.decide(end, quiet=quiet)
        # A flush that is already on its way follows this chunk, and makes the second pass catch up as well.
        self._flush_second_pass = (
            segment_end is not None
            and not self._pending_flushes.pending
            and not self._segmenter.second.knows(segment_end)
        )
        return segment_end

    def _end_segment(self, segment_end: SegmentEnd) -> list[ServerEvent]:
        self._pending_end = None
        self.unanswered -= len(segment_end.ids)
        return self._segmenter.end_segment(segment_end) + self._settle_silence()

    def _settle_silence(self) -> list[ServerEvent]:
        return [] if self._pending_flushes.pending else self._segmenter.settle_silence()

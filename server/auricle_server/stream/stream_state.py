"""One speaker's stream: results of the worker in, events for the client out. Pure: no clock but the audio's.

Order within a chunk: `SpeechStarted`, `Interim` (when the text grew and no final follows at once), `TurnResumed`,
`TurnEagerEnd`, the `Final`s, `TurnEnd`. Positions are samples at 16 kHz inside and seconds outside.

With a second lane (see `auricle_server.stream.second_pass`) a segment that ends waits for what that lane has heard of
it. What comes meanwhile waits behind it, so nothing else depends on how long that takes.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from auricle.protocol import codes
from auricle.protocol.client_messages import Start, Update
from auricle.protocol.codes import ProtocolViolation
from auricle.protocol.languages import resolve
from auricle.protocol.server_messages import ChunkGrid, Limits, Ready, ServerEvent
from auricle.protocol.settings import TurnSettings
from auricle_server.ipc.columns import ChunkResult
from auricle_server.ipc.messages import SAMPLE_RATE, SecondPassChanged, SettingsUpdate
from auricle_server.model_info import ModelInfo
from auricle_server.stream.flushes import Flushes, FlushReason
from auricle_server.stream.key_terms import check_keyterms
from auricle_server.stream.segment_end import SegmentEnd
from auricle_server.stream.segmenter import Segmenter
from auricle_server.turns import TurnEnded, VoiceSignals


def check_settings(info: ModelInfo, latency_ms: int | None, language: str | None) -> str | None:
    """Whether the model can serve these settings.

    Returns:
        The language as one that the model offers; None when none was named.

    Raises:
        ProtocolViolation: One of the `unsupported_*` codes.
    """
    if latency_ms is not None and latency_ms not in info.latencies_ms:
        offered = ", ".join(map(str, info.latencies_ms))
        raise ProtocolViolation(codes.UNSUPPORTED_LATENCY, f"latency_ms {latency_ms} is not one of {offered}")
    resolved = None if language is None else resolve(language, info.languages)
    if language is not None and resolved is None:
        offered = ", ".join(info.languages)
        raise ProtocolViolation(codes.UNSUPPORTED_LANGUAGE, f"language {language[:64]!r} is not one of {offered}")
    return resolved


class StreamState:
    """The state of one stream.

    Args:
        info: The model that serves it.
        start: What the client asked for.
        session: Names the stream in logs.
        limits: Bounds of the stream; None takes no key terms.

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
        self._grid_moved = False
        self._speech = Segmenter(info, replace(start, language=language))
        self._heard = 0
        self._flushes = Flushes()
        self._cut: SegmentEnd | None = None
        """The end of the segment under way, while it waits for the second lane."""
        self._behind: deque[tuple[ChunkResult, VoiceSignals | None] | TurnSettings] = deque()
        """What waits behind it."""
        self._asks_second = False

    @property
    def over(self) -> bool:
        """Whether the answer to `end` or `drain` has come; nothing follows it."""
        return self._speech.over

    @property
    def language(self) -> str:
        """The language in force, one of the model's."""
        return self._speech.asked.language

    @property
    def turn_ended_at(self) -> int:
        """Audio position, in samples, on which the last turn's end was decided, told or not; 0 before the first."""
        return self._speech.turn_ended_at

    @property
    def audio_time(self) -> float:
        """Seconds of audio on which the last result rested."""
        return self._speech.audio_time

    @property
    def heard_seconds(self) -> float:
        """Seconds of audio that have come."""
        return self._heard / SAMPLE_RATE

    @property
    def backlog_seconds(self) -> float:
        """Seconds of audio that have come and on which no result rests yet."""
        return (self._heard - self._speech.position) / SAMPLE_RATE

    def ready(self, limits: Limits, *, input_delay: float = 0.0, resume_token: str | None = None) -> Ready:
        """The answer to the client's `Start`.

        Args:
            limits: Bounds of the stream.
            input_delay: Seconds that the client's audio is held back on its way here.
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
            chunks=None if self._grid_moved else self._chunks(input_delay),
            resume_token=resume_token,
        )

    def _chunks(self, input_delay: float) -> ChunkGrid:
        step = self.latency_ms / 1000
        return ChunkGrid(step - self._info.frame_seconds + self._info.lookahead_seconds + input_delay, step)

    # --- what the client does ----------------------------------------------------------------------------------------

    def hear(self, samples: int) -> None:
        """That much audio has gone to the worker."""
        self._heard += samples

    def update(self, update: Update) -> SettingsUpdate:
        """New settings from the next chunk on, and what of them the worker must know.

        A turn under way goes on with the new thresholds, and by the new rule. When turns are switched on or off, words
        that wait for their final still get it, but a turn whose words are all final ends without a `TurnEnd`.

        Raises:
            ProtocolViolation: The model cannot serve them; nothing has changed.
        """
        language = check_settings(self._info, update.latency_ms, update.language)
        check_keyterms(update.keyterms or (), self._limits)
        if self._offline and update.latency_ms not in (None, self.latency_ms):
            raise ProtocolViolation(codes.UNSUPPORTED_LATENCY, f"an offline stream stays at {self.latency_ms} ms")
        if update.turn is not None and self._cut is not None:
            self._behind.append(update.turn)
        elif update.turn is not None:
            self._speech.change_turn(update.turn)
        if language is not None:
            self._speech.change_language(language, self._heard)
        self._grid_moved |= update.latency_ms not in {None, self.latency_ms}
        self.latency_ms = update.latency_ms or self.latency_ms
        self._speech.change_latency(self.latency_ms)
        return SettingsUpdate(update.latency_ms, language, update.refine, keyterms=update.keyterms)

    def stay_at(self, latency_ms: int, *, asked_ms: int) -> None:
        """The worker had no time for the latency that an update has asked for, unless another one has followed it."""
        if self.latency_ms == asked_ms:
            self.latency_ms = latency_ms
            self._speech.change_latency(latency_ms)

    def finalize(self, finalize_id: str) -> int | None:
        """Everything said so far becomes final.

        Returns:
            The mark to flush with; None when the flush before this one will answer both, as no audio lies between.
        """
        self.unanswered += 1
        return self._flushes.finalize(self._heard, finalize_id)

    def end(self) -> int:
        """No more audio will come. Returns the mark to flush with, for the last time."""
        return self._flushes.ask(FlushReason.END, self._heard)

    def drain(self) -> int | None:
        """The server gives the stream up: the words said become final, but a turn under way does not end.

        Returns:
            The mark to flush with, for the last time; None when the last flush is on its way already.
        """
        over = self.over or self._flushes.last_is_final or (self._cut is not None and self._cut.last)
        return None if over else self._flushes.ask(FlushReason.DRAIN, self._heard)

    # --- what the worker finds ---------------------------------------------------------------------------------------

    def on_result(
        self, result: ChunkResult | SecondPassChanged, voice: VoiceSignals | None = None
    ) -> list[ServerEvent]:
        """The events that a chunk brings, or the coming and going of the second lane.

        Args:
            result: Of either lane.
            voice: What the sound says at `result.samples`; None where nobody listens to it, and for the second lane.
        """
        second = self._speech.second
        if isinstance(result, SecondPassChanged):
            second.open(result.base) if result.active else second.close()
        elif result.refined:
            second.add(result)
        else:
            self._behind.append((result, voice))
        return self._go_on()

    def asks_second(self) -> bool:
        """Whether the second lane must be flushed, for a segment's end to be known; said once."""
        asked, self._asks_second = self._asks_second, False
        return asked

    def _go_on(self) -> list[ServerEvent]:
        events: list[ServerEvent] = []
        while True:
            if self._cut is not None:
                if not self._speech.second.knows(self._cut):
                    return events
                events += self._end_segment(self._cut)
            elif not self._behind:
                return events
            else:
                events += self._take(self._behind.popleft())

    def _take(self, news: tuple[ChunkResult, VoiceSignals | None] | TurnSettings) -> list[ServerEvent]:
        if isinstance(news, TurnSettings):
            self._speech.change_turn(news)
            return []
        result, voice = news
        events, end = self._speech.hear(result, voice)
        self._cut = self._answer(result.mark, end) or self._decide(end, quiet=not result.tokens)
        if self._cut is None:
            return events + self._speech.go_on() + self._settle_silence()
        return events

    def _answer(self, mark: int | None, end: TurnEnded | None) -> SegmentEnd | None:
        speech, flush = self._speech, self._flushes.answer(mark)
        if flush is None:
            return None
        if flush.reason is not FlushReason.DRAIN:
            return SegmentEnd(speech.position, speech.position, mark, flush, end)
        speech.over = not speech.may_part
        return None if speech.over else SegmentEnd(speech.position, speech.border(), mark, flush)

    def _decide(self, end: TurnEnded | None, *, quiet: bool) -> SegmentEnd | None:
        cut = None if self.over else self._speech.decide(end, quiet=quiet)
        # A flush that was asked for already comes behind this chunk, and answers for it as well.
        self._asks_second = cut is not None and not self._flushes and not self._speech.second.knows(cut)
        return cut

    def _end_segment(self, cut: SegmentEnd) -> list[ServerEvent]:
        self._cut = None
        self.unanswered -= len(cut.ids)
        return self._speech.end_segment(cut) + self._settle_silence()

    def _settle_silence(self) -> list[ServerEvent]:
        return [] if self._flushes else self._speech.settle_silence()

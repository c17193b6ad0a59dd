"""One speaker's stream: results of the worker in, events for the client out. Pure: no clock but the audio's.

Order within a chunk: `SpeechStarted`, `Interim` (when the text grew and no final follows at once), `TurnResumed`,
`TurnEagerEnd`, the `Final`s, `TurnEnd`. Positions are samples at 16 kHz inside and seconds outside.
"""

from __future__ import annotations

from dataclasses import dataclass

from auricle.protocol import codes
from auricle.protocol.codes import ProtocolViolation
from auricle.protocol.messages import (
    ChunkGrid,
    Final,
    Interim,
    Limits,
    Ready,
    ServerEvent,
    Settled,
    SpeechStarted,
    Start,
    Update,
)
from auricle.protocol.settings import TurnSettings
from auricle_server.flushes import Flushes, Reason
from auricle_server.link.columns import ChunkResult
from auricle_server.link.messages import SAMPLE_RATE, ModelInfo
from auricle_server.transcript import Transcript
from auricle_server.turns import Heard, TurnEnded, TurnRecord, TurnStarted, Voice, detector_for

LONGEST_SEGMENT = 60 * SAMPLE_RATE
"""A segment older than this is cut at the next chunk that brings no word, and one twice as old at once, so that
interims stay short for hours."""
BETWEEN_WORDS = SAMPLE_RATE // 5
"""Without a token for this long, the last word is over."""
SETTLED_EVERY = 5 * SAMPLE_RATE
SETTLED_BEHIND = 2 * SAMPLE_RATE
"""A word may sound for this long before the decoder emits it; `Settled` stays that far behind."""


@dataclass(frozen=True, slots=True)
class Change:
    """Settings that the worker must learn of; None leaves one as it is."""

    latency_ms: int | None = None
    language: str | None = None


def check_settings(info: ModelInfo, latency_ms: int | None, language: str | None, keyterms: tuple[str, ...]) -> None:
    """Whether the model can serve these settings.

    Raises:
        ProtocolViolation: One of the `unsupported_*` codes.
    """
    if latency_ms is not None and latency_ms not in info.latencies_ms:
        offered = ", ".join(map(str, info.latencies_ms))
        raise ProtocolViolation(codes.UNSUPPORTED_LATENCY, f"latency_ms {latency_ms} is not one of {offered}")
    if language is not None and language not in info.languages:
        offered = ", ".join(info.languages)
        raise ProtocolViolation(codes.UNSUPPORTED_LANGUAGE, f"language {language[:64]!r} is not one of {offered}")
    if keyterms:
        raise ProtocolViolation(codes.UNSUPPORTED_KEYTERMS, f"{info.name} takes no key terms; send none")


class Stream:
    """The state of one stream.

    Args:
        info: The model that serves it.
        start: What the client asked for.
        session: Names the stream in logs.

    Attributes:
        latency_ms: Chunk latency in force.
        unanswered: Finalizes whose final has not been made yet.
        over: Whether the answer to `end` or `drain` has come; nothing follows it.

    Raises:
        ProtocolViolation: The model cannot serve what the client asks for.
    """

    def __init__(self, info: ModelInfo, start: Start, session: str) -> None:
        check_settings(info, start.latency_ms, start.language, start.keyterms)
        self.latency_ms = start.latency_ms or info.default_latency_ms
        self.unanswered = 0
        self.over = False
        self._info = info
        self._session = session
        self._language = start.language or info.default_language
        self._with_words = start.words
        self._grid_moved = False
        self._turn = start.turn
        self._detector = detector_for(start.turn)
        self._record = TurnRecord()
        self._transcript = Transcript(info.pieces, round(info.frame_seconds * SAMPLE_RATE))
        self._heard = self._position = self._settled = 0
        self._flushes = Flushes()
        self._ended = False
        """Whether the client's `End` has been answered."""

    @property
    def audio_time(self) -> float:
        """Seconds of audio on which the last result rested."""
        return self._position / SAMPLE_RATE

    @property
    def heard_seconds(self) -> float:
        """Seconds of audio that have come."""
        return self._heard / SAMPLE_RATE

    @property
    def backlog_seconds(self) -> float:
        """Seconds of audio that have come and on which no result rests yet."""
        return (self._heard - self._position) / SAMPLE_RATE

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
            language=self._language,
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

    def update(self, update: Update) -> Change:
        """New settings from the next chunk on, and what of them the worker must know.

        A turn under way goes on with the new thresholds. When the mode changes, words that wait for their final still
        get it, but a turn whose words are all final ends without a `TurnEnd`.

        Raises:
            ProtocolViolation: The model cannot serve them; nothing has changed.
        """
        check_settings(self._info, update.latency_ms, update.language, update.keyterms or ())
        if update.turn is not None:
            self._change_turn(update.turn)
        if update.language is not None:
            self._language, self._transcript.language = update.language, None
        self._grid_moved |= update.latency_ms not in {None, self.latency_ms}
        self.latency_ms = update.latency_ms or self.latency_ms
        return Change(update.latency_ms, update.language)

    def _change_turn(self, turn: TurnSettings) -> None:
        same_mode = turn.mode == self._turn.mode
        is_open = self._detector.open if same_mode else bool(self._transcript.text)
        if not same_mode:
            self._record.forget()
        self._turn = turn
        self._detector = detector_for(turn, is_open=is_open, heard=self._transcript.speech_end or 0)

    def finalize(self, finalize_id: str) -> int | None:
        """Everything said so far becomes final.

        Returns:
            The mark to flush with; None when the flush before this one will answer both, as no audio lies between.
        """
        self.unanswered += 1
        return self._flushes.finalize(self._heard, finalize_id)

    def end(self) -> int:
        """No more audio will come. Returns the mark to flush with, for the last time."""
        return self._flushes.ask(Reason.END, self._heard)

    def drain(self) -> int | None:
        """The server gives the stream up: the words said become final, but a turn under way does not end.

        Returns:
            The mark to flush with, for the last time; None when the last flush is on its way already.
        """
        over = self.over or self._flushes.last_is_final
        return None if over else self._flushes.ask(Reason.DRAIN, self._heard)

    # --- what the worker finds ---------------------------------------------------------------------------------------

    def on_result(self, result: ChunkResult, voice: Voice | None = None) -> list[ServerEvent]:
        """The events that one chunk brings.

        Args:
            result: The chunk's.
            voice: What the sound says at `result.samples`; None where nobody listens to it.
        """
        self._position = max(self._position, result.samples)
        transcript, before = self._transcript, self._transcript.text
        transcript.add(result.tokens, result.frames, result.probabilities)
        decisions = self._detector.feed(self._evidence(voice))
        end = next((decision for decision in decisions if isinstance(decision, TurnEnded)), None)
        events = self._speech_started(decisions)
        finals = self._answer(result.mark) or self._decide(end, quiet=not result.tokens)
        if not finals and transcript.text != before:
            events.append(self._interim())
        ended = self._record.has_words if self._ended else end is not None and not self.over
        speech_end = (transcript.speech_end or 0) / SAMPLE_RATE
        events += self._record.weigh(
            transcript.text,
            1.0 if ended else self._detector.eager,
            ended=ended or self.over,
            speech_end=speech_end,
            audio_time=self.audio_time,
        )
        events += finals
        if ended:
            probability = 1.0 if end is None else end.probability
            turn_end = self._record.end(speech_end=speech_end, audio_time=self.audio_time, probability=probability)
            events.append(turn_end)
        return events + self._settle_silence()

    def _evidence(self, voice: Voice | None) -> Heard:
        transcript = self._transcript
        return Heard(self._position, transcript.speech_end, transcript.closing, transcript.utterance_ended, voice)

    def _speech_started(self, decisions: list[TurnStarted | TurnEnded]) -> list[ServerEvent]:
        if TurnStarted() not in decisions:
            return []
        start = self._transcript.start or 0
        return [SpeechStarted(audio_time=self.audio_time, start=start / SAMPLE_RATE)]

    def _answer(self, mark: int | None) -> list[ServerEvent]:
        flush = self._flushes.answer(mark)
        if flush is None:
            return []
        self.unanswered -= len(flush.ids)
        if flush.reason is Reason.FINALIZE:
            return [self._final(self._position, finalize_id) for finalize_id in flush.ids]
        self.over = True
        if flush.reason is Reason.DRAIN:
            return self._part()
        self._ended = True
        return [self._final(self._position)] if self._transcript.text else []

    def _part(self) -> list[ServerEvent]:
        """The last final of a stream that goes on elsewhere; none in the middle of a word, which would be cut in two.

        A client that reconnects replays what has no final.
        """
        speech_end = self._transcript.speech_end
        if not self._transcript.text or speech_end is None or self._position - speech_end < BETWEEN_WORDS:
            return []
        return [self._final((speech_end + self._position) // 2)]

    def _decide(self, end: TurnEnded | None, *, quiet: bool) -> list[ServerEvent]:
        """The finals that nobody asked for: at a turn's end, and in a segment that has grown too long."""
        start = self._transcript.start
        if start is None:
            return []
        age = self._position - start
        too_long = age > 2 * LONGEST_SEGMENT or (quiet and age > LONGEST_SEGMENT)
        if end is None and not too_long:
            return []
        speech_end = self._transcript.speech_end or start
        return [self._final(min(self._position, (speech_end + self._position) // 2))]

    def _interim(self) -> Interim:
        transcript = self._transcript
        return Interim(
            audio_time=self.audio_time,
            text=transcript.text,
            start=(transcript.start or 0) / SAMPLE_RATE,
            end=(transcript.speech_end or 0) / SAMPLE_RATE,
            language=transcript.language or self._language,
        )

    def _final(self, settled: int, finalize_id: str | None = None) -> Final:
        segment = self._transcript.cut()
        self._detector.segment_ended()
        self._settled = max(self._settled, settled)
        if segment.text and self._turn.mode != "off":
            self._record.add(segment.text)
        return Final(
            audio_time=self.audio_time,
            text=segment.text,
            start=(self._position if segment.start is None else segment.start) / SAMPLE_RATE,
            end=(self._position if segment.end is None else segment.end) / SAMPLE_RATE,
            language=self._transcript.language or self._language,
            words=segment.words if self._with_words else (),
            finalize_id=finalize_id,
            settled=self._settled / SAMPLE_RATE,
        )

    def _settle_silence(self) -> list[ServerEvent]:
        """In a long silence, how far a client that reconnects may forget."""
        settled = self._position - SETTLED_BEHIND
        idle = not (self._transcript.text or self._detector.open or self._flushes or self.over)
        if not idle or settled - self._settled < SETTLED_EVERY:
            return []
        self._settled = settled
        return [Settled(audio_time=self.audio_time, settled=settled / SAMPLE_RATE)]

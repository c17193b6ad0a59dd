"""Cuts the words of one stream into segments and turns, chunk by chunk. Pure; positions are samples at 16 kHz."""

from __future__ import annotations

from auricle.protocol.client_messages import Start
from auricle.protocol.server_messages import Interim, ServerEvent, Settled, SpeechStarted
from auricle.protocol.settings import TurnSettings
from auricle_server.ipc.columns import ChunkResult
from auricle_server.ipc.messages import SAMPLE_RATE
from auricle_server.model_info import ModelInfo
from auricle_server.stream.finals import FinalPlace
from auricle_server.stream.hold_back import QuietRuns
from auricle_server.stream.language_tracker import RequestedLanguage
from auricle_server.stream.second_pass import SecondPass
from auricle_server.stream.segment_end import FlushReason, PendingFlush, SegmentEnd, is_too_long, middle_of_silence
from auricle_server.stream.speech_watch import SpeechWatch
from auricle_server.stream.transcript import Segment, Transcript
from auricle_server.turns import (
    PAUSE,
    LongestTurn,
    TurnEnded,
    TurnEvidence,
    TurnRecord,
    TurnStarted,
    VoiceSignals,
    VoiceWithoutWords,
    detector_for,
    is_english,
    leads_on,
)

BETWEEN_WORDS = SAMPLE_RATE // 5
"""After this long without a token, the last word has ended."""
SETTLED_EVERY = 5 * SAMPLE_RATE
SETTLED_MARGIN = 2 * SAMPLE_RATE
"""A word may begin this long before the decoder emits it; `Settled` stays that far back."""
NOTHING = Segment("", (), None, None)


class Segmenter:
    """The open segment and the open turn.

    Args:
        info: The model that decodes the stream.
        start: What the client asks for; its language as one of the model's codes.

    Attributes:
        second: What the second pass has found.
        no_words: Which voices have none.
        detector: Of turn ends.
        position: Audio position on which the last result rested.
        asked: The languages that the client has asked for, or the model's default.
        over: Whether the stream has ended: nothing follows.
        turn_ended_at: Position on which the last turn's end was decided; 0 before the first.
        decode_again: Sample from which audio is to be decoded again, as the last chunk shows; mostly None.
    """

    def __init__(self, info: ModelInfo, start: Start) -> None:
        self.position = self.turn_ended_at = 0
        self.over = False
        self._frame_samples = round(info.frame_seconds * SAMPLE_RATE)
        self._quiet = QuietRuns(info.cures.hold_back_voice) if info.cures.holds_back else None
        # A file is decoded far ahead of what a watch could look at.
        watches = info.cures.watch_seconds > 0 and not start.offline
        self._watch = SpeechWatch(info.cures.watch_seconds) if watches else None
        self.decode_again: int | None = None
        quiet = self._quiet, info.cures.hold_back_confidence
        self.second = SecondPass(info.pieces, self._frame_samples, info.words, info.latencies_ms[-1], *quiet)
        latency_ms = start.latency_ms or info.default_latency_ms
        self._transcript = Transcript(info.pieces, self._frame_samples, info.words, latency_ms, None, *quiet)
        self._turn = start.turn
        self.detector = detector_for(start.turn)
        self._record = TurnRecord(start.turn.expect)
        self._longest = LongestTurn(start.turn.max_turn_seconds)
        self.no_words = VoiceWithoutWords(watched=watches)
        self.asked = RequestedLanguage(start.language or info.default_language)
        self._with_words, self._interim_words = start.words, start.interim_words
        self._settled = 0
        self._grew = self._kept = False

    @property
    def audio_time(self) -> float:
        """The position in seconds."""
        return self.position / SAMPLE_RATE

    def change_language(self, language: str, position: int) -> None:
        """Another language from `position` on; tags found before say nothing about what follows."""
        start = self._transcript.start
        self.asked.change(language, position, min(self.position if start is None else start, self._settled))
        self._transcript.tags.forget()
        self.second.tags.forget()

    def _language_at(self, position: int) -> str:
        return self.asked.at(position, self._transcript.tags.language)

    def change_latency(self, latency_ms: int) -> None:
        """Another chunk latency from the next chunk on: tokens come earlier or later after their words."""
        self._transcript.latency_ms = latency_ms

    def change_turn(self, turn: TurnSettings) -> None:
        """Other turn settings from the next chunk on; see `StreamState.update`."""
        same_mode = (turn.mode == "off") == (self._turn.mode == "off")
        is_open = self.detector.open if same_mode else bool(self._transcript.text)
        if not same_mode:
            self._record.forget()
        self._turn, self._record.expect = turn, turn.expect
        # The rest of a turn that was cut has not been given to the earlier detector.
        speech_end = self._transcript.start if self._kept else self._transcript.speech_end
        self.detector = detector_for(turn, is_open=is_open, speech_end=speech_end or 0)
        self._longest = LongestTurn(turn.max_turn_seconds, self._longest.start if is_open else None)

    # --- chunk by chunk ----------------------------------------------------------------------------------------------

    def add(self, result: ChunkResult, voice: VoiceSignals | None) -> tuple[list[ServerEvent], TurnEnded | None]:
        """Takes a chunk's result; returns whether speech has started with it, and whether the turn has ended."""
        self.position = max(self.position, result.samples)
        transcript, before = self._transcript, self._transcript.text
        frame = result.samples // self._frame_samples
        flushed_at = None if result.mark is None else frame
        if self._quiet is not None:
            # A chunk rests on the first samples of its last frame, in which the frame's tokens lie.
            self._quiet.add(-(-result.samples // self._frame_samples), None if voice is None else voice.peak)
        transcript.add(result.tokens, result.frames, result.probabilities, flushed_at, confidences=result.confidences)
        transcript.decide_held_back(frame if flushed_at is None else None)
        self._grew, self._kept = transcript.text != before or self._kept, False
        evidence = TurnEvidence(
            self.position,
            transcript.speech_end,
            transcript.closing,
            transcript.closed_at,
            transcript.utterance_ended,
            self._last_word,
            transcript.confidence,
            voice,
            self._turn.expect != "none" and leads_on(transcript.text or transcript.last_word, self._turn.expect),
        )
        if self._watch is not None:
            token_end = max(transcript.speech_end or 0, transcript.closed_at or 0)
            self.decode_again = self._watch.add(self.position, transcript.speech_end, voice, token_end)
        if voice is not None or flushed_at is not None:
            self.no_words.add(self.position, transcript.speech_end, voice, flushed=flushed_at is not None)
        decisions = self.detector.feed(evidence)
        started = TurnStarted() in decisions
        if started or not self.detector.open:
            self._longest.start = transcript.start if started else None
        end = next((decision for decision in decisions if isinstance(decision, TurnEnded)), None)
        self.turn_ended_at = self.turn_ended_at if end is None else self.position
        start = (transcript.start or 0) / SAMPLE_RATE
        return [SpeechStarted(audio_time=self.audio_time, start=start)] if started else [], end

    @property
    def held_back(self) -> int:
        """Words of the first pass that were held back as noise."""
        return 0 if self._transcript.held_back is None else self._transcript.held_back.dropped

    @property
    def _last_word(self) -> str:
        """The last word, where turn detection can read it: digits in every language, words in English."""
        word = self._transcript.last_word
        return word if word.isdigit() or self._language_at(self._transcript.speech_end or 0).startswith("en") else ""

    def continue_segment(self) -> list[ServerEvent]:
        """The events of a chunk with which no segment ends; in a pause a new second pass takes over."""
        if not self._transcript.text:
            self.second.take_over(self._transcript.speech_end, self.position)
        events: list[ServerEvent] = [self._interim()] if self._grew else []
        return events + self._update_eager_end(self._transcript.text, ended=False) + self.no_words.take()

    def _interim(self) -> Interim:
        transcript = self._transcript
        return Interim(
            audio_time=self.audio_time,
            text=transcript.text,
            start=(transcript.start or 0) / SAMPLE_RATE,
            end=(transcript.end(self.position) or 0) / SAMPLE_RATE,
            language=self._language_at(transcript.last_start),
            words=transcript.words(self.position) if self._interim_words else (),
        )

    def settle_silence(self) -> list[ServerEvent]:
        """In a long silence, while no flush is pending: how much audio a client that reconnects need not replay."""
        if self._transcript.text or self.detector.open or self.over or self.second.start is not None:
            return []
        settled = self.second.decoded_by(self.position) - SETTLED_MARGIN
        if settled - self._settled < SETTLED_EVERY:
            return []
        self._settled = settled
        return [Settled(audio_time=self.audio_time, settled=settled / SAMPLE_RATE)]

    # --- where segments end ------------------------------------------------------------------------------------------

    def end_by_flush(self, mark: int | None, flush: PendingFlush, end: TurnEnded | None) -> SegmentEnd | None:
        """Ends the segment with the answer to a flush; None when a stream that goes on elsewhere has no last final."""
        if flush.ends_turn and self.detector.open and self._turn.mode != "off":
            end, self.turn_ended_at = TurnEnded(), self.position
            self.detector.cut(self.position)
        if flush.reason is not FlushReason.DRAIN:
            return SegmentEnd(self.position, self.position, mark, flush, end)
        # A client that reconnects replays what has no final: a word that has just begun, or may still grow.
        border = self._last_border()
        self.over = border is None
        return None if border is None else SegmentEnd(self.position, border, mark, flush)

    def _last_border(self) -> int | None:
        """Where a stream that goes on elsewhere is cut, between two words; None without a whole word."""
        if not self._transcript.text:
            return None
        if self.position - (self._transcript.speech_end or 0) >= BETWEEN_WORDS:
            return self.border()
        # In mid-speech the two passes time words too differently for one border to hold for both.
        self.second.close()
        return self._transcript.split(BETWEEN_WORDS)

    def border(self) -> int:
        """A position between the words so far and the next."""
        second_end = 0 if self._transcript.text else self.second.end
        return middle_of_silence(max(self._transcript.speech_end or 0, second_end), self.position)

    def decide(self, end: TurnEnded | None, *, quiet: bool) -> SegmentEnd | None:
        """Ends the segment with its turn, or when it has grown too long; None while it goes on."""
        if end is None and self._longest.is_over(self.position) and (cut := self._cut_turn()) is not None:
            return cut
        start = self.second.start if self._transcript.start is None else self._transcript.start
        if end is None and (start is None or not is_too_long(start, self.position, quiet=quiet)):
            return None
        return SegmentEnd(self.position, self.border(), end=end)

    def _cut_turn(self) -> SegmentEnd | None:
        """Ends a turn that has become too long, in a pause or between two words; None while there is neither."""
        transcript, border, splits = self._transcript, self.border(), False
        pauses = self.position - (transcript.speech_end or 0) >= BETWEEN_WORDS
        if transcript.text and not pauses and not self._longest.must_be_cut(self.position):
            between = transcript.split(PAUSE, self._longest.earliest_border(self.position))
            if between is None:
                return None
            border, splits = between, True
        self.detector.cut(border)
        self.turn_ended_at = self.position
        return SegmentEnd(self.position, border, end=None if self._turn.mode == "off" else TurnEnded(), splits=splits)

    def end_segment(self, segment_end: SegmentEnd) -> list[ServerEvent]:
        """The finals, and the end of the turn where there is one; the second pass has come as far as the end."""
        self.over |= segment_end.last
        if segment_end.ends_stream:
            self.no_words.finish()
        finals = self._finals(segment_end)
        ended = self._record.has_words if segment_end.ends_stream else segment_end.end is not None
        events = self._update_eager_end("", ended=ended) + finals
        if ended:
            probability = 1.0 if segment_end.end is None else segment_end.end.probability
            speech_end = min(self._speech_end, segment_end.border / SAMPLE_RATE)
            events.append(self._record.end(speech_end=speech_end, audio_time=self.audio_time, probability=probability))
        return events + self.no_words.take()

    def _finals(self, segment_end: SegmentEnd) -> list[ServerEvent]:
        """One with the words, if there are any, and an empty one for each further finalize."""
        border = segment_end.border if segment_end.drains or segment_end.splits else None
        bound = segment_end.border if segment_end.splits else self.position
        first = self._transcript.cut(bound, border, keep=segment_end.splits)
        second = self.second.take(segment_end)
        final = first if second is None else second
        self._kept = bool(self._transcript.text)
        if self._quiet is not None:
            self._quiet.forget((segment_end.border - SETTLED_MARGIN) // self._frame_samples)
        if final.words:
            self._transcript.last_word_end = self.second.last_word_end = final.words[-1].end
        ids: list[str | None] = [*segment_end.ids] or [None] * bool(first.text or final.text)
        if not ids:
            return []
        self.detector.segment_ended()
        # Never back: the client has dropped the audio before it.
        self._settled = max(self._settled, segment_end.border)
        language, expect = self._language_at(self.position), self._turn.expect
        place = FinalPlace(self.position, self._settled, self.asked, language, self._with_words, expect)
        if final.text and self._turn.mode != "off":
            self._record.add(final.text, english=place.is_english(final))
        refined = second is not None
        further = [place.final(NOTHING, NOTHING, each, refined=refined) for each in ids[1:]]
        return [place.final(first, final, ids[0], refined=refined), *further]

    def _update_eager_end(self, text: str, *, ended: bool) -> list[ServerEvent]:
        probability = 1.0 if ended else self.detector.eager
        if probability is None and self._record.eager_text is None:
            return []  # most chunks
        return self._record.update_eager_end(
            text,
            probability,
            ended=ended or self.over,
            speech_end=self._speech_end,
            audio_time=self.audio_time,
            english=is_english(self._language_at(self._transcript.last_start)),
        )

    @property
    def _speech_end(self) -> float:
        return (self._transcript.speech_end or 0) / SAMPLE_RATE

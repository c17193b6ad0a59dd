"""The server's events as LiveKit's speech events: order, times, languages. Pure; an `AudioClock` gives the times."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from statistics import fmean
from typing import Any

from livekit.agents import LanguageCode
from livekit.agents.stt import RecognitionUsage, SpeechData, SpeechEvent, SpeechEventType
from livekit.agents.types import TimedString

from auricle.events import StreamEvent
from auricle.protocol.languages import resolve
from auricle.protocol.server_messages import Final, Interim, Ready, SpeechStarted, TurnEagerEnd, TurnEnd, Word

from ._audio import AudioClock

_UNSPECIFIC_LANGUAGES = frozenset({"", "auto", "multi"})
"""Codes that name no language; LiveKit's turn detection ignores them."""


class SpeechEvents:
    """Translates the events of one recognition stream, which may use several client streams one after another.

    Times in events count from the first audio of their client stream. `opened` says at which time of all the audio that
    stream starts. LiveKit asks to add `offset`, so that times count from the start of the session's audio.

    Args:
        clock: Tells when a position in the audio was spoken.
        server_turns: Whether the server detects turns, so that starts and ends of speech are passed on.
        languages: The languages that may be spoken; events name no other. Without any, all that the model names.

    Attributes:
        languages: As given; may change.
    """

    def __init__(self, clock: AudioClock, *, server_turns: bool, languages: tuple[str, ...] = ()) -> None:
        self.offset = 0.0
        self.languages = languages
        self._clock = clock
        self._server_turns = server_turns
        self._stream_start = 0.0
        self._request_id = ""
        self._language = LanguageCode("")
        self._interim_data: SpeechData | None = None
        self._preflight_words: list[str] = []
        self._turn_open = False
        self._turn_unseen = False
        self._speech_end: float | None = None
        self._finals, self._confidence_sum = 0, 0.0

    def opened(self, ready: Ready, stream_start: float, *, taken_over: bool = False) -> None:
        """A client stream has connected.

        Args:
            ready: The server's answer.
            stream_start: Seconds of all the audio at which its first audio is; negative when it had audio before.
            taken_over: Whether it has had another owner, so that a turn may be open of which these events know nothing.
        """
        self._stream_start = stream_start
        self._request_id = ready.session
        self._turn_unseen = taken_over
        self._language_of(ready.language)

    def abandoned(self, *, flushed: bool) -> list[SpeechEvent]:
        """The events that are due when a client stream is lost for good.

        The words of the latest interim become final, a flush gets its answer, and an open turn ends.

        Args:
            flushed: Whether a flush waits for its answer.
        """
        events: list[SpeechEvent] = []
        # With one alternative even when it is empty: an event without any kills the session's reader and leaves it
        # deaf.
        if self._interim_data is not None or flushed:
            events = self._final(self._interim_data or SpeechData(self._language, ""), shown=True)
        return events + (self._end(self._speech_end) if self._turn_open else [])

    def of(self, event: StreamEvent) -> list[SpeechEvent]:
        """The speech events for `event`, in order; none when LiveKit has no counterpart."""
        match event:
            case SpeechStarted() if self._server_turns:
                return self._start(event.start)
            case Interim():
                return self._unseen_start(event) + self._interim(self.transcript(event))
            # LiveKit commits a turn when `min_delay` has passed after a final, so one at a mere chunk boundary would
            # cut a sentence. The server's finals follow the end of a turn, a finalize, or a segment of more than 60 s.
            case Final():
                return self._unseen_start(event) + self._final(self.transcript(event))
            case TurnEnd() if self._turn_unseen:
                self._turn_unseen = False
            case TurnEagerEnd() if self._server_turns:
                return self._preflight(self._clock.wall(self._stream_start + event.speech_end))
            case TurnEnd() if self._server_turns:
                return self._end(self._clock.wall(self._stream_start + event.speech_end))
        return []

    def transcript(self, event: Interim | Final) -> SpeechData:
        """The transcript in `event`, with times on the session's clock and a concrete language code.

        The metadata of a final say whether the second pass decoded it (``{"refined": True}``), and where they are
        known the probability of a `backchannel` and what the text dictates (`collected`).
        """
        shift = self._stream_start + self.offset
        words = event.words if isinstance(event, Final) else ()
        data = SpeechData(
            language=self._language_of(event.language),
            text=event.text,
            start_time=event.start + shift,
            end_time=event.end + shift,
            confidence=self._confidence(event),
            words=[self._timed(word, shift) for word in words] or None,
        )
        # Not by the constructor, which in older versions of LiveKit does not have them; nor do those read them.
        data.metadata = _metadata(event) if isinstance(event, Final) else None
        data.source_languages = self._by_prevalence(event) if isinstance(event, Final) else None
        return data

    def usage(self, seconds: float) -> SpeechEvent:
        """The report that another `seconds` of audio were sent."""
        used = RecognitionUsage(audio_duration=seconds)
        return SpeechEvent(SpeechEventType.RECOGNITION_USAGE, self._request_id, recognition_usage=used)

    def _unseen_start(self, event: Interim | Final) -> list[SpeechEvent]:
        """The start of a turn that had begun, without a word that counts, before this stream was taken over."""
        unseen = self._turn_unseen and self._server_turns and bool(event.text)
        return self._start(event.start) if unseen else []

    def _start(self, position: float) -> list[SpeechEvent]:
        self._turn_open, self._turn_unseen = True, False
        started_at = self._clock.wall(self._stream_start + position)
        return [self._event(SpeechEventType.START_OF_SPEECH, started=started_at)]

    def _interim(self, data: SpeechData) -> list[SpeechEvent]:
        self._interim_data = data
        if _words_of(data.text) != self._preflight_words:
            self._preflight_words = []
        return [self._event(SpeechEventType.INTERIM_TRANSCRIPT, data)]

    def _preflight(self, speech_end: float) -> list[SpeechEvent]:
        """The text of the open segment, with which the session may start its reply.

        The session itself appends it to the turn's finals. It keeps the reply for a final with the same words, and
        drops it at an interim with others, so `TurnResumed` needs no event of its own. It would start a reply again for
        every PREFLIGHT, so one with the same words, in which only the punctuation is new, is not sent.
        """
        words = _words_of(self._interim_data.text) if self._interim_data is not None else []
        if self._interim_data is None or words == self._preflight_words:
            return []
        self._preflight_words = words
        kind = SpeechEventType.PREFLIGHT_TRANSCRIPT
        return [self._event(kind, self._interim_data, ended=speech_end)]

    def _final(self, data: SpeechData, *, shown: bool = False) -> list[SpeechEvent]:
        """A final; `shown` says that the session may hold an interim of which this stream knows nothing."""
        shown |= self._interim_data is not None
        self._interim_data, self._preflight_words = None, []
        if data.text:
            self._speech_end = self._clock.wall(data.end_time - self.offset)
            return [self._event(SpeechEventType.FINAL_TRANSCRIPT, data, ended=self._speech_end)]
        final = self._event(SpeechEventType.FINAL_TRANSCRIPT, data)
        # An empty final answers a flush, but the session keeps the interim before it, of this stream or of one that
        # has failed. An empty interim clears it; after noise alone it would be an event about nothing.
        return [self._event(SpeechEventType.INTERIM_TRANSCRIPT, data), final] if shown else [final]

    def _event(
        self,
        kind: SpeechEventType,
        data: SpeechData | None = None,
        *,
        started: float | None = None,
        ended: float | None = None,
    ) -> SpeechEvent:
        event = SpeechEvent(kind, self._request_id, [] if data is None else [data])
        # As in `transcript`: older versions have no such fields.
        event.speech_start_time, event.speech_end_time = started, ended
        return event

    def _end(self, ended_at: float | None) -> list[SpeechEvent]:
        # Without this time, the session would add its whole endpointing delay to the silence for which the server has
        # already waited.
        self._turn_open = False
        return [self._event(SpeechEventType.END_OF_SPEECH, ended=ended_at)]

    def _language_of(self, code: str) -> LanguageCode:
        # Keeps the last code that names a language: with "auto" LiveKit's turn detection would have none.
        if self._may_be(code):
            self._language = LanguageCode(code)
        elif _is_named(code) and not self._language:
            self._language = LanguageCode(self.languages[0])
        return self._language

    def _may_be(self, code: str) -> bool:
        """Whether `code` names a language, and one of those that may be spoken."""
        limited = [str(LanguageCode(each)) for each in self.languages if _is_named(each)]
        return _is_named(code) and (not limited or resolve(code, limited) is not None)

    def _by_prevalence(self, final: Final) -> list[LanguageCode] | None:
        """The languages of a final with several, that of the longest speech first; None for a final with one."""
        if not final.languages:
            return None
        seconds = dict.fromkeys((span.language for span in final.languages), 0.0)
        ends = [*(span.start for span in final.languages[1:]), final.end]
        for span, end in zip(final.languages, ends, strict=True):
            seconds[span.language] += end - span.start
        # The server's choice comes first: it counts words, not the pauses between them.
        seconds[final.language] = math.inf
        named = [code for code in sorted(seconds, key=seconds.__getitem__, reverse=True) if self._may_be(code)]
        return [LanguageCode(code) for code in named] if len(named) > 1 else None

    def _confidence(self, event: Interim | Final) -> float:
        """The expected share of right words; of an interim without one, that of the stream's finals so far.

        The session shows it when it takes an interim for a final. Before any final it is 1, which LiveKit takes where a
        service gives no confidence.
        """
        if isinstance(event, Interim):
            return self._confidence_sum / self._finals if self._finals else 1.0
        confidence = _confidence(event)
        if event.text:
            self._finals += 1
            self._confidence_sum += confidence
        return confidence

    def _timed(self, word: Word, shift: float) -> TimedString:
        return TimedString(
            word.text,
            start_time=word.start + shift,
            end_time=word.end + shift,
            confidence=word.confidence,
            start_time_offset=self.offset,
        )


def joined(parts: list[SpeechData]) -> SpeechData:
    """The transcript of a whole recording, of those of its segments."""
    spoken = [part for part in parts if part.text] or parts[:1]
    # The model may recognise the language of the first segment only after the second.
    named = [part for part in spoken if part.language] or spoken
    longest = max(named, key=lambda part: part.end_time - part.start_time)
    languages = dict.fromkeys(code for part in (longest, *named) for code in part.source_languages or [part.language])
    data = replace(
        longest,
        text=" ".join(part.text for part in spoken),
        start_time=spoken[0].start_time,
        # Weighted by words: one "yes" must not count as much as a long sentence.
        confidence=fmean((part.confidence for part in spoken), [len(part.text.split()) or 1 for part in spoken]),
        end_time=spoken[-1].end_time,
        words=[word for part in spoken for word in part.words or ()] or None,
    )
    data.metadata, data.source_languages = longest.metadata, list(languages) if len(languages) > 1 else None
    return data


def _confidence(event: Final) -> float:
    """The confidence of a final; an older server sends only that of each word."""
    if event.confidence is not None:
        return event.confidence
    return fmean(word.confidence for word in event.words) if event.words else 0.0


def _metadata(event: Final) -> dict[str, Any]:
    found: dict[str, Any] = {"refined": event.refined}
    if event.backchannel is not None:
        found["backchannel"] = event.backchannel
    if event.collected:
        found["collected"] = event.collected
    return found


def _words_of(text: str) -> list[str]:
    """The words alone: the session, too, compares texts without case and punctuation."""
    return re.findall(r"\w+", text.casefold())


def _is_named(code: str) -> bool:
    return LanguageCode(code).language not in _UNSPECIFIC_LANGUAGES

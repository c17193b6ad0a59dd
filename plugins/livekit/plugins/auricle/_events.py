"""The server's events as LiveKit's speech events: order, times, languages. Pure, apart from the clock it is given."""

from __future__ import annotations

import math
import re
from statistics import fmean

from livekit.agents import LanguageCode
from livekit.agents.stt import RecognitionUsage, SpeechData, SpeechEvent, SpeechEventType
from livekit.agents.types import TimedString

from auricle.events import StreamEvent
from auricle.protocol.server_messages import Final, Interim, Ready, SpeechStarted, TurnEagerEnd, TurnEnd, Word

from ._audio import AudioClock

_UNSPECIFIC_LANGUAGES = frozenset({"", "auto", "multi"})
"""Codes that name no language: LiveKit's turn detection would ignore them."""


class SpeechEvents:
    """Translates the events of one recognition stream, which may have to open several streams on the server.

    A position in an event counts from the first audio of its server stream. `opened` says where in all the audio that
    is; `offset` is what LiveKit asks to add, so that times count from the start of the session's audio.

    Args:
        clock: Tells when a position was heard.
        server_turns: Whether the server decides turns, so that starts and ends of speech are passed on.
    """

    def __init__(self, clock: AudioClock, *, server_turns: bool) -> None:
        self.offset = 0.0
        self._clock = clock
        self._server_turns = server_turns
        self._began = 0.0
        self._request_id = ""
        self._language = LanguageCode("")
        self._shown: SpeechData | None = None
        self._offered: list[str] = []
        self._turn_open = False
        self._spoken_until: float | None = None

    def opened(self, ready: Ready, began: float) -> None:
        """A server stream was opened; its first audio is at `began` seconds of all the audio."""
        self._began = began
        self._request_id = ready.session
        self._language_of(ready.language)

    def abandoned(self, *, flushed: bool) -> list[SpeechEvent]:
        """What is due when a server stream is lost for good: nobody else will say it.

        Words that were shown become final as they are, a flush gets its answer, and a turn its end.

        Args:
            flushed: Whether a flush waits for its answer.
        """
        events: list[SpeechEvent] = []
        if self._shown is not None or flushed:
            events = self._final(self._shown or SpeechData(self._language, ""))
        return events + (self._end(self._spoken_until) if self._turn_open else [])

    def of(self, event: StreamEvent) -> list[SpeechEvent]:
        """The speech events, in order, that say what `event` says; none for what LiveKit has no word for."""
        match event:
            case SpeechStarted() if self._server_turns:
                return self._start(event.start)
            case Interim():
                return self._interim(self.transcript(event))
            case Final():
                return self._final(self.transcript(event))
            case TurnEagerEnd() if self._server_turns:
                return self._preflight(self._clock.wall(self._began + event.speech_end))
            case TurnEnd() if self._server_turns:
                return self._end(self._clock.wall(self._began + event.speech_end))
        return []

    def transcript(self, event: Interim | Final) -> SpeechData:
        """The transcript in `event`, with times on the session's clock and a concrete language code.

        That of a final says in its metadata whether it is the second pass's: ``{"refined": True}``.
        """
        shift = self._began + self.offset
        words = event.words if isinstance(event, Final) else ()
        return SpeechData(
            language=self._language_of(event.language),
            text=event.text,
            start_time=event.start + shift,
            end_time=event.end + shift,
            confidence=_confidence(event) if isinstance(event, Final) else 0.0,
            words=[self._timed(word, shift) for word in words] or None,
            metadata={"refined": event.refined} if isinstance(event, Final) else None,
            source_languages=_by_prevalence(event) if isinstance(event, Final) else None,
        )

    def usage(self, seconds: float) -> SpeechEvent:
        """The report that another `seconds` of audio were sent."""
        used = RecognitionUsage(audio_duration=seconds)
        return SpeechEvent(SpeechEventType.RECOGNITION_USAGE, self._request_id, recognition_usage=used)

    def _start(self, position: float) -> list[SpeechEvent]:
        self._turn_open = True
        started_at = self._clock.wall(self._began + position)
        return [SpeechEvent(SpeechEventType.START_OF_SPEECH, self._request_id, speech_start_time=started_at)]

    def _interim(self, data: SpeechData) -> list[SpeechEvent]:
        self._shown = data
        if _words_of(data.text) != self._offered:
            self._offered = []
        return [SpeechEvent(SpeechEventType.INTERIM_TRANSCRIPT, self._request_id, [data])]

    def _preflight(self, speech_end: float) -> list[SpeechEvent]:
        """The open segment's text, good enough to start a reply with.

        The session puts it behind the turn's finals itself. What it starts it keeps for the final with these words, and
        drops at an interim with other ones, so a `TurnResumed` needs no event of its own. As it would start anew for
        every PREFLIGHT, one whose words it has already, because only a full stop has come, is not sent.
        """
        words = _words_of(self._shown.text) if self._shown is not None else []
        if self._shown is None or words == self._offered:
            return []
        self._offered = words
        kind = SpeechEventType.PREFLIGHT_TRANSCRIPT
        return [SpeechEvent(kind, self._request_id, [self._shown], speech_end_time=speech_end)]

    def _final(self, data: SpeechData) -> list[SpeechEvent]:
        self._shown, self._offered = None, []
        final = SpeechEvent(SpeechEventType.FINAL_TRANSCRIPT, self._request_id, [data])
        if data.text:
            self._spoken_until = final.speech_end_time = self._clock.wall(data.end_time - self.offset)
            return [final]
        # The session takes an empty final as an answer but keeps an interim that it was shown before, of this stream
        # or of one that failed; an empty interim takes that back.
        return [SpeechEvent(SpeechEventType.INTERIM_TRANSCRIPT, self._request_id, [data]), final]

    def _end(self, ended_at: float | None) -> list[SpeechEvent]:
        # Without its time an END_OF_SPEECH would add the session's whole endpointing delay to the silence that the
        # server has already waited for.
        self._turn_open = False
        return [SpeechEvent(SpeechEventType.END_OF_SPEECH, self._request_id, speech_end_time=ended_at)]

    def _language_of(self, code: str) -> LanguageCode:
        if _is_named(code):
            self._language = LanguageCode(code)
        return self._language

    def _timed(self, word: Word, shift: float) -> TimedString:
        return TimedString(
            word.text,
            start_time=word.start + shift,
            end_time=word.end + shift,
            confidence=word.confidence,
            start_time_offset=self.offset,
        )


def _confidence(event: Final) -> float:
    """A server of before tells that of the words alone."""
    if event.confidence is not None:
        return event.confidence
    return fmean(word.confidence for word in event.words) if event.words else 0.0


def _words_of(text: str) -> list[str]:
    """The words alone: for the session, too, texts are the same that differ in case and punctuation only."""
    return re.findall(r"\w+", text.casefold())


def _by_prevalence(final: Final) -> list[LanguageCode] | None:
    """The languages of a final that has several, that of most time first; words that have none count for none."""
    if not final.languages:
        return None
    seconds = dict.fromkeys((span.language for span in final.languages), 0.0)
    for span, end in zip(final.languages, [*(span.start for span in final.languages[1:]), final.end], strict=True):
        seconds[span.language] += end - span.start
    seconds[final.language] = math.inf  # the server has counted words, not pauses
    named = [LanguageCode(code) for code in sorted(seconds, key=seconds.__getitem__, reverse=True) if _is_named(code)]
    return named if len(named) > 1 else None


def _is_named(code: str) -> bool:
    return LanguageCode(code).language not in _UNSPECIFIC_LANGUAGES

"""The events of a server, in the native protocol, version 1. Times are seconds of the stream's own audio."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import ClassVar, Literal

from auricle.protocol.audio_positions import ChunkGrid, Held
from auricle.protocol.event_base import EventBase
from auricle.protocol.languages import resolve
from auricle.protocol.signals import Signals

Fault = Literal["client", "server"]


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a final.

    Attributes:
        text: With case and the punctuation that follows it.
        start: Seconds; never earlier than the end of the previous word.
        end: Seconds; never earlier than `start`.
        confidence: Probability that the word is right, 0 to 1.
    """

    text: str
    start: float
    end: float
    confidence: float


@dataclass(frozen=True, slots=True)
class LanguageSpan:
    """Where a language begins within a segment: with the word that starts at `start` seconds."""

    language: str
    start: float


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one stream; a stream that exceeds one ends with an `Error`.

    Attributes:
        message_bytes: Largest WebSocket message.
        buffered_seconds: Audio that the server holds unprocessed before it stops reading.
        stream_seconds: Longest stream.
        idle_seconds: Longest time without audio.
        keyterms: Most key terms at once; 0 where the server takes none, or does not say.
        keyterm_characters: Longest key term.
    """

    message_bytes: int
    buffered_seconds: float
    stream_seconds: float
    idle_seconds: float
    keyterms: int = 0
    keyterm_characters: int = 0

    def fit(self, keyterms: Collection[str]) -> bool:
        """Whether a stream may have these key terms."""
        return len(keyterms) <= self.keyterms and all(len(term) <= self.keyterm_characters for term in keyterms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready(EventBase):
    """The stream is open, with the settings in force.

    Attributes:
        session: Names this stream in logs.
        model: Name of the model.
        latencies_ms: Chunk latencies offered, ascending.
        languages: Language codes offered, one for each locale of the model, and ``"auto"`` where the model detects the
            language; a code without a region stands for the first locale of its language.
        latency_ms: Chunk latency in force.
        language: Language in force, one of `languages`; for ``"auto"`` and a model with one language, that language.
        limits: Limits of this stream.
        chunks: The chunk latency as points in the audio; None when they are not known, as after a change of latency.
        resume_token: Resumes this stream on another connection after this one broke: send the upgrade request with the
            header ``Auricle-Resume: TOKEN N``, where N is the number of the last event received, and the same `Start`.
            None when the server does not keep streams.
        held: For a resumed stream, what the server has received of it; its events go on after number N. None for a new
            stream.
        turn_signals: The signals by which the server decides turn ends in ``"semantic"`` mode: always ``"words"`` and
            ``"punctuation"``, and ``"voice"`` (Silero) and ``"prosody"`` (Smart Turn) where it has their models.
    """

    TYPE: ClassVar[str] = "ready"
    session: str
    model: str
    latencies_ms: tuple[int, ...]
    languages: tuple[str, ...]
    latency_ms: int
    language: str
    limits: Limits
    chunks: ChunkGrid | None = None
    resume_token: str | None = None
    held: Held | None = None
    turn_signals: tuple[str, ...] = ()

    def offers(self, asked: int | str | tuple[str, ...]) -> bool:
        """Whether this server offers a latency, language or list of key terms."""
        match asked:
            case int():
                return asked in self.latencies_ms
            case str():
                return resolve(asked, self.languages) is not None
        return self.limits.fit(asked)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechStarted(EventBase):
    """The first word of a turn was recognised; it starts `start` seconds into the stream."""

    TYPE: ClassVar[str] = "speech_started"
    start: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Interim(EventBase):
    """Text of the segment so far, which only grows but where a `TextFormat` rewrites it. At most one a chunk.

    Attributes:
        text: Without language tags.
        start: Start of the first word.
        end: End of the last word.
        language: Of the last word: the language asked for, or with ``"auto"`` the last one that the model has named,
            ``"auto"`` before the first. Models emit the language tag after a sentence, so the final is more reliable.
        words: The words of `text`, of which the last may still grow. Empty unless the client asked for them.
    """

    TYPE: ClassVar[str] = "interim"
    text: str
    start: float
    end: float
    language: str
    words: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Final(EventBase):
    """A segment's text, which no longer changes.

    Attributes:
        text: The segment; empty when nothing was said.
        start: Start of the first word (for an empty final: `audio_time`).
        end: End of the last word (for an empty final: `audio_time`).
        language: Of the segment: the language asked for, or with ``"auto"`` the one that the model has named, of
            several that with most speech; ``"auto"`` before the model has named any.
        words: Empty unless the client asked for them.
        finalize_id: The `Finalize.id` that this answers; None when the server decided by itself.
        settled: Seconds. No later event depends on audio before this point: a client that reconnects replays from here.
        refined: Whether this is the text of the second pass, see `Refine`.
        confidence: Expected share of correct words, 0 to 1; None for an empty final, and from older servers.
        languages: Where each language begins, when it changes within the segment; otherwise empty.
        backchannel: Probability that the text is only a backchannel ("mm-hm"), 0 to 1; None if empty or not English.
        collected: With `TurnSettings.expect`, what the segment dictates, as characters; empty for nothing.
    """

    TYPE: ClassVar[str] = "final"
    text: str
    start: float
    end: float
    language: str
    words: tuple[Word, ...] = ()
    finalize_id: str | None = None
    settled: float
    refined: bool = False
    confidence: float | None = None
    languages: tuple[LanguageSpan, ...] = ()
    backchannel: float | None = None
    collected: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoWords(EventBase):
    """A voice was heard from `start` to `end` seconds, it is over, and the decoder has no word for it.

    Sent while the server analyses the sound: in mode ``"semantic"``, and where `TurnSettings.no_words` or
    `Start.signals` asks for it.
    """

    TYPE: ClassVar[str] = "no_words"
    start: float
    end: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled(EventBase):
    """Sent at times in silence: no turn is open, and no later event depends on audio before `settled` seconds."""

    TYPE: ClassVar[str] = "settled"
    settled: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnEagerEnd(EventBase):
    """The turn has probably ended; `TurnResumed` or `TurnEnd` follows.

    Attributes:
        probability: 0 to 1.
        speech_end: Where speech ended, in seconds.
        text: Transcript of the whole turn. The `TurnEnd` has the same, unless a `TurnResumed` comes between.
        backchannel: As in `Final`, of this text; `collected` as well.
    """

    TYPE: ClassVar[str] = "turn_eager_end"
    probability: float
    speech_end: float
    text: str
    backchannel: float | None = None
    collected: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnResumed(EventBase):
    """Takes the last `TurnEagerEnd` back: the speaker went on, or the text has changed.

    Attributes:
        probability: Probability that the turn has ended all the same, 0 to 1.
    """

    TYPE: ClassVar[str] = "turn_resumed"
    probability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnEnd(EventBase):
    """The turn has ended; its last `Final` precedes this event.

    Attributes:
        probability: 0 to 1.
        speech_end: Where speech ended, in seconds.
        text: Transcript of the whole turn, all its segments joined.
        backchannel: As in `Final`, of this text; `collected` as well.
    """

    TYPE: ClassVar[str] = "turn_end"
    probability: float
    speech_end: float
    text: str
    backchannel: float | None = None
    collected: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeytermsInForce(EventBase):
    """Key terms that the client has asked for are prepared, and in force from the next chunk of audio on.

    Until then the stream keeps those that it had. Of several lists in a row only the newest is prepared.

    Attributes:
        count: How many phrases the list has; 0 for an empty one, which removes all.
    """

    TYPE: ClassVar[str] = "keyterms_in_force"
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Error(EventBase):
    """An error of this stream; other streams are unaffected.

    Attributes:
        code: A stable identifier, one of `auricle.protocol.codes`.
        fault: Whose fault it is.
        fatal: Whether the connection closes after it.
        message: A sentence that a person can act on.
        retry_after: Seconds after which the server suggests another attempt; None when it suggests none.
    """

    TYPE: ClassVar[str] = "error"
    code: str
    fault: Fault
    fatal: bool
    message: str
    retry_after: int | None = None


ServerEvent = (
    Ready
    | SpeechStarted
    | Interim
    | Final
    | NoWords
    | Settled
    | Signals
    | TurnEagerEnd
    | TurnResumed
    | TurnEnd
    | KeytermsInForce
    | Error
)

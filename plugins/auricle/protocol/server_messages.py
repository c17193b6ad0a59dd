"""What a server answers, in the native protocol, version 1. For the conventions see `auricle.protocol.messages`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import ClassVar, Literal

from auricle.protocol.languages import resolve

Fault = Literal["client", "server"]


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a final.

    Attributes:
        text: With case and the punctuation that follows.
        start: Seconds; never before the end of the word before.
        end: Likewise.
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
    """What the server allows one stream; crossing a limit ends it with an `Error`.

    Attributes:
        message_bytes: Largest WebSocket message.
        buffered_seconds: Audio the server holds unprocessed before it stops reading.
        stream_seconds: Longest stream.
        idle_seconds: Longest time without any message.
        keyterms: Most key terms at once; 0 where none are taken, or the server does not say.
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


@dataclass(frozen=True, slots=True)
class ChunkGrid:
    """At which points of the audio the server can take its next step: `first` seconds, and every `step` from there on.

    Audio that ends short of such a point may as well wait for the rest.
    """

    first: float
    step: float


@dataclass(frozen=True, slots=True)
class Held:
    """How much of a stream a server holds that goes on with it: what comes next is what the client says next.

    Attributes:
        samples: Of the client's audio.
        messages: `Update`, `Finalize` and `End`.
    """

    samples: int
    messages: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Event:
    seq: int = 0
    """Number of this event in its stream, from 1 on; the connection sets it when it sends."""
    audio_time: float = 0.0
    """Audio position, in seconds, on which the event was decided."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready(_Event):
    """The stream is open, with the settings in force.

    Attributes:
        session: Names this stream in logs.
        model: Name of the model.
        latencies_ms: Chunk latencies offered, ascending.
        languages: Language codes offered, one for each locale of the model and ``"auto"`` where it finds out by itself;
            the first of a language is the one that its bare code stands for.
        latency_ms: Chunk latency in force.
        language: Language in force, as one of `languages`; of a model with one language that one, if the client
            asked for ``"auto"``.
        limits: Bounds of this stream.
        chunks: The chunk latency as points in the audio; None when it is not known, as after a change of latency.
        resume_token: Opens this very stream on another connection, when this one was cut: by the header of the upgrade
            request ``Auricle-Resume: TOKEN N``, where N is the number of the last event that came, and a `Start` as
            before. None when the server keeps no streams.
        held: Given when it did: the stream goes on where it was, with the event after number N. None for a new stream.
        turn_signals: What the server judges turn ends by in ``"semantic"`` mode: ``"words"`` and ``"punctuation"``
            always, ``"voice"`` (Silero) and ``"prosody"`` (Smart Turn) where it has their models.
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
        """Whether a stream can have this latency, language or list of key terms here."""
        match asked:
            case int():
                return asked in self.latencies_ms
            case str():
                return resolve(asked, self.languages) is not None
        return self.limits.fit(asked)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechStarted(_Event):
    """The first word of a turn was heard, `start` seconds into the stream."""

    TYPE: ClassVar[str] = "speech_started"
    start: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Interim(_Event):
    """Text of the current segment so far; it only ever grows. Sent at most once a chunk, when it changed.

    Attributes:
        text: Without language tags.
        start: Start of the first word.
        end: End of the last word.
        language: Of the last word: what was asked for, or with ``"auto"`` the last language that the model has named,
            ``"auto"`` before the first. Models name it behind a sentence, so a final knows better. A name alone
            brings no interim.
    """

    TYPE: ClassVar[str] = "interim"
    text: str
    start: float
    end: float
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Final(_Event):
    """A segment's text, for good.

    Attributes:
        text: The segment; empty when nothing was said.
        start: Start of the first word (for an empty final: `audio_time`).
        end: End of the last word (for an empty final: `audio_time`).
        language: Of the segment: what was asked for, or with ``"auto"`` the one that the model has named, of several
            that of most speech; ``"auto"`` before it has named any.
        words: Empty when the client asked for none.
        finalize_id: The `Finalize.id` that this answers; None when the server decided.
        settled: Seconds. No later event depends on audio before this point: a client that reconnects replays from here.
        refined: Whether this is the text of the second pass, see `Refine`.
        confidence: Expected share of its words that are right, 0 to 1; None where nothing was said, and from servers of
            before.
        languages: When the language changes within the segment, where each begins; otherwise empty.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled(_Event):
    """Sent now and then in silence: nothing is open, and no later event depends on audio before `settled` seconds."""

    TYPE: ClassVar[str] = "settled"
    settled: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnEagerEnd(_Event):
    """The turn has probably ended; `TurnResumed` or `TurnEnd` follows.

    Attributes:
        probability: 0 to 1.
        speech_end: Where speech ended, in seconds.
        text: Transcript of the whole turn. It is that of the `TurnEnd`, unless a `TurnResumed` comes between.
    """

    TYPE: ClassVar[str] = "turn_eager_end"
    probability: float
    speech_end: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnResumed(_Event):
    """What a `TurnEagerEnd` said no longer holds: the speaker went on, or the text has changed.

    Attributes:
        probability: That the turn has ended after all, 0 to 1.
    """

    TYPE: ClassVar[str] = "turn_resumed"
    probability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnEnd(_Event):
    """The turn has ended; its last `Final` was sent before.

    Attributes:
        probability: 0 to 1.
        speech_end: Where speech ended, in seconds.
        text: Transcript of the whole turn, all its segments joined.
    """

    TYPE: ClassVar[str] = "turn_end"
    probability: float
    speech_end: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Error(_Event):
    """Something went wrong with this stream; other streams notice nothing.

    Attributes:
        code: A stable identifier, one of `auricle.protocol.codes`.
        fault: Whose.
        fatal: Whether the connection closes after it.
        message: A sentence that a person can act on.
    """

    TYPE: ClassVar[str] = "error"
    code: str
    fault: Fault
    fatal: bool
    message: str


ServerEvent = Ready | SpeechStarted | Interim | Final | Settled | TurnEagerEnd | TurnResumed | TurnEnd | Error

"""A recogniser without a model, for the scripted server: its words are in the samples, its rules are a real server's.

What a word looks like in the samples is a `WordDecoder`'s affair (`tests.support.bursts`, `tests.support.levels`). A
replayed stretch of audio says the same words again, as it would with real speech.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from auricle.protocol import (
    Final,
    Interim,
    ServerEvent,
    Settled,
    SpeechStarted,
    Start,
    TurnEagerEnd,
    TurnEnd,
    TurnResumed,
    Update,
    Word,
)

_SETTLED_SECONDS = 0.5


class WordDecoder(Protocol):
    """Finds words in samples."""

    @property
    def clock(self) -> float:
        """Seconds decoded."""
        ...

    @property
    def speaking(self) -> bool:
        """Whether a word has begun and not ended."""
        ...

    def feed(self, pcm: bytes) -> Iterator[list[Word]]:
        """Decodes audio; for each chunk of 80 ms that it completes, the words that ended in it."""
        ...

    def flush(self) -> list[Word]:
        """Decodes what is left, although it completes no chunk."""
        ...


class Recogniser:
    """Segments, finals and turns of one connection; times in its events are this connection's own.

    Args:
        start: Of the stream.
        decoder: Finds the words.
        language: Of every segment.
        sends_settled: Whether silence brings `Settled` events.
    """

    def __init__(
        self, start: Start, decoder: WordDecoder, language: str = "en-US", *, sends_settled: bool = False
    ) -> None:
        self._turn, self._refine = start.turn, start.refine
        self._decoder = decoder
        self._language = language
        self._sends_settled = sends_settled
        self._segment: list[Word] = []
        self._turn_words: list[Word] = []
        self._open = False
        self._shown = ""
        self._eager: str | None = None
        self._settled = 0.0

    @property
    def clock(self) -> float:
        """Seconds decoded."""
        return self._decoder.clock

    def feed(self, pcm: bytes) -> list[ServerEvent]:
        """Decodes audio; the events of every chunk that it completes."""
        return [event for words in self._decoder.feed(pcm) for event in self._decide(words)]

    def finalize(self, finalize_id: str | None) -> list[ServerEvent]:
        """Everything so far becomes final."""
        started = self._add(self._decoder.flush())
        return [*started, self._final(finalize_id, settled=self.clock)]

    def forget(self) -> None:
        """The words without a final are gone: the next final is empty."""
        self._decoder.flush()
        self._segment = []

    def update(self, update: Update) -> None:
        """Changes settings."""
        self._turn, self._refine = update.turn or self._turn, update.refine or self._refine

    def end(self) -> list[ServerEvent]:
        """The last events."""
        return [*self._add(self._decoder.flush()), *self._close()]

    def _add(self, words: list[Word]) -> list[ServerEvent]:
        self._segment += words
        self._turn_words += words
        if self._open or not self._segment:
            return []
        self._open = True
        return [SpeechStarted(start=self._segment[0].start, audio_time=self.clock)]

    def _decide(self, words: list[Word]) -> list[ServerEvent]:
        events = self._add(words)
        if self._turn.mode != "off" and self._open and self._silence() >= self._end_silence():
            return [*events, *self._close()]
        text = _text(self._segment)
        if text != self._shown:
            self._shown = text
            first, last = self._segment[0], self._segment[-1]
            interim = Interim(
                text=text, start=first.start, end=last.end, language=self._language, audio_time=self.clock
            )
            events.append(interim)
        return [*events, *self._weigh(), *self._settle()]

    def _close(self) -> list[ServerEvent]:
        """The end of the turn, after the final of its last segment."""
        events: list[ServerEvent] = []
        if self._segment:
            events.append(self._final(None, settled=(self._segment[-1].end + self.clock) / 2))
        if self._open and self._turn.mode != "off":
            words, self._turn_words, self._open, self._eager = self._turn_words, [], False, None
            end = words[-1].end
            events.append(TurnEnd(probability=1.0, speech_end=end, text=_text(words), audio_time=self.clock))
        return events

    def _final(self, finalize_id: str | None, settled: float) -> Final:
        words, self._segment, self._shown = tuple(self._segment), [], ""
        if self._turn.mode == "off":
            self._open, self._turn_words = False, []
        return Final(
            text=_text(words),
            start=words[0].start if words else self.clock,
            end=words[-1].end if words else self.clock,
            language=self._language,
            words=words,
            finalize_id=finalize_id,
            settled=settled,
            audio_time=self.clock,
            refined=self._refine != "off",
        )

    def _weigh(self) -> list[ServerEvent]:
        """Whether the turn has probably ended, or goes on after all."""
        eager_silence = self._eager_silence()
        if eager_silence is None or not self._open:
            return []
        silent = self._silence() >= eager_silence
        text = _text(self._turn_words)
        events: list[ServerEvent] = []
        if self._eager is not None and (not silent or text != self._eager):
            self._eager = None
            events.append(TurnResumed(probability=0.0, audio_time=self.clock))
        if silent and self._eager is None:
            self._eager, end = text, self._turn_words[-1].end
            events.append(TurnEagerEnd(probability=0.5, speech_end=end, text=text, audio_time=self.clock))
        return events

    def _settle(self) -> list[ServerEvent]:
        due = self.clock - self._settled >= _SETTLED_SECONDS
        if not (self._sends_settled and due) or self._open or self._decoder.speaking:
            return []
        self._settled = self.clock
        return [Settled(settled=self.clock, audio_time=self.clock)]

    def _end_silence(self) -> float:
        """In semantic mode the words decide: after "hello there" a turn ends sooner than after any other."""
        if self._turn.mode == "silence":
            return self._turn.silence_ms / 1000
        complete = bool(self._turn_words) and self._turn_words[-1].text == "there"
        return (self._turn.min_silence_ms if complete else self._turn.max_silence_ms) / 1000

    def _eager_silence(self) -> float | None:
        if self._turn.mode == "semantic":
            return None if self._turn.eager_threshold is None else self._turn.min_silence_ms / 1000
        return None if self._turn.eager_silence_ms is None else self._turn.eager_silence_ms / 1000

    def _silence(self) -> float:
        return 0.0 if self._decoder.speaking or not self._turn_words else self.clock - self._turn_words[-1].end


def _text(words: list[Word] | tuple[Word, ...]) -> str:
    return " ".join(word.text for word in words)
